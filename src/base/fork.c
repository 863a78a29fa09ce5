#include "base/fork.h"

#include <signal.h>

/* (Not atomic: it is written once, when the process has one thread.) */
static bool is_child;

bool rt_fork_is_child(void) { return is_child; }

void rt_fork_note_child(void) { is_child = true; }

int rt_fork_watch(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  return -pthread_atfork(prepare, parent, child);
}

void rt_fork_unblock_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
}
