#include "interrupt.h"

#include "cancel.h"

#include <unistd.h>

/* A signal handler has nothing but globals: the worker of the process's first state. */
static rt_worker *volatile worker;
static bool sharing;
static struct sigaction before;

/* The main chunk gets an error as lua's; a task that happens to run is cancelled. */
static void stop_hook(lua_State *L, lua_Debug *ar) {
  rt_worker *w = worker;
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (w != NULL && w->running != NULL && !w->running->is_main)
    rtL_cancel_running(L, w, "interrupted!");
  luaL_error(L, "interrupted!");
}

static void on_signal(int sig) {
  rt_worker *w = worker;
  int err = errno;
  if (w == NULL || w->interrupted) _exit(128 + sig);
  w->interrupted = sig;
  if (w->cur)
    lua_sethook(w->cur, stop_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  rt_driver_ring(&w->driver);
  errno = err;
}

static void on_shared_signal(int sig) {
  rt_worker *w = worker;
  bool main_runs = w == NULL || (w->running != NULL && w->running->is_main);
  if (!main_runs)
    on_signal(sig);
  else if (before.sa_handler == SIG_DFL)
    _exit(128 + sig);
  else if (before.sa_handler != SIG_IGN)
    before.sa_handler(sig);
}

static void handle(int sig, void (*handler)(int), struct sigaction *old) {
  struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigemptyset(&sa.sa_mask);
  sigaction(sig, &sa, old);
}

void rt_interrupt_own(rt_worker *w) {
  worker = w;
  handle(SIGINT, on_signal, NULL);
  handle(SIGTERM, on_signal, NULL);
}

void rt_interrupt_share(rt_worker *w) {
  struct sigaction now;
  if (worker != NULL) return;
  sigaction(SIGINT, NULL, &now);
  if (now.sa_flags & SA_SIGINFO || now.sa_handler == SIG_IGN) return; /* somebody knows better */
  worker = w;
  if (sharing) return;
  sharing = true;
  handle(SIGINT, on_shared_signal, &before);
}

void rt_interrupt_forget(rt_worker *w) {
  if (worker == w) worker = NULL;
}
