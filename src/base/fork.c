#include "base/fork.h"

#include <signal.h>

static rt_atomic(bool) is_child;

bool rt_fork_is_child(void) { return rt_load(&is_child); }

void rt_fork_note_child(void) { rt_store(&is_child, true); }

int rt_fork_watch(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  return -pthread_atfork(prepare, parent, child);
}

void rt_fork_unblock_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
}
