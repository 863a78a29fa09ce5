#include "run/signals.h"

#include "diag/watchdog.h"
#include "run/cancel.h"
#include "run/dump.h"
#include "task/task_title.h"

#include <stdio.h>
#include <unistd.h>

/* A signal handler gets no argument, so these are global: the worker of the first state of the
** process. */
static rt_worker *volatile worker;
static bool sharing;
static struct sigaction host_action;

/* Raises in the code that runs: in the main chunk the error that lua.c raises; a task is
** cancelled. */
static void stop_hook(lua_State *L, lua_Debug *ar) {
  rt_worker *w = worker;
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (w != NULL && w->current.task != NULL && !w->current.task->is_main)
    rtL_cancel_running(L, w, "interrupted!");
  luaL_error(L, "interrupted!");
}

static void on_signal(int sig) {
  rt_worker *w = worker;
  int err = errno;
  if (w == NULL || w->signals.interrupted) _exit(128 + sig);
  w->signals.interrupted = sig;
  if (w->current.co)
    lua_sethook(w->current.co, stop_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT,
                1);
  rt_driver_ring(&w->driver);
  errno = err;
}

static void on_shared_signal(int sig) {
  rt_worker *w = worker;
  bool main_runs = w == NULL || (w->current.task != NULL && w->current.task->is_main);
  if (!main_runs)
    on_signal(sig);
  else if (host_action.sa_handler == SIG_DFL)
    _exit(128 + sig);
  else if (host_action.sa_handler != SIG_IGN)
    host_action.sa_handler(sig);
}

/* --- SIGQUIT: a dump -------------------------------------------------------------------------- */
static volatile sig_atomic_t quit_posted;

static void on_quit_post(rt_post *p, void *driver) {
  (void)p;
  quit_posted = 0;
  rt_dump_write(rt_worker_of(driver), stderr);
}

static void quit_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (worker) rt_mailbox_drain(&worker->driver.mailbox);
}

/* Writes what the worker is running: the dump follows at the next Lua instruction, which never
** comes if a C function does not return. (printf is not async-signal-safe.) */
static void write_running(const rt_worker *w) {
  char text[256];
  size_t n = rt_task_title_append(text, 0, sizeof text, "rt: SIGQUIT: main runs ");
  if (w->current.task->is_main)
    n = rt_task_title_append(text, n, sizeof text, "the main chunk");
  else
    n += rt_task_title_write(text + n, sizeof text - n, w->current.task->id, NULL,
                             rt_call_site_text(&w->call_sites, w->current.task->site));
  n = rt_task_title_append(text, n, sizeof text - 1, "; its dump follows");
  text[n++] = '\n';
  if (write(STDERR_FILENO, text, n) < 0) return;
}

/* Without a watchdog the worker writes the dump itself: at its next Lua instruction, or where it
** waits. */
static void dump_here(rt_worker *w) {
  static rt_post post = {.deliver = on_quit_post};
  if (w->current.task) write_running(w);
  if (quit_posted) return;
  quit_posted = 1;
  rt_mailbox_post(&w->driver.mailbox, &post);
  if (w->current.co && lua_gethook(w->current.co) == NULL)
    lua_sethook(w->current.co, quit_hook, LUA_MASKCOUNT, 1);
}

static void on_quit(int sig) {
  rt_worker *w = worker;
  int err = errno;
  (void)sig;
  if (!rt_watchdog_request_dump() && w != NULL) dump_here(w);
  errno = err;
}

/* --- beginning and end ------------------------------------------------------------------------ */
static void set_handler(int sig, void (*handler)(int), struct sigaction *old) {
  struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigemptyset(&sa.sa_mask);
  if (sigaction(sig, &sa, old) == 0) return;
  fprintf(stderr, "rt: no handler for signal %d: %s: %s\n", sig, uv_err_name(-errno),
          uv_strerror(-errno));
}

void rt_signals_own(rt_worker *w) {
  rt_worker_assert_thread(w);
  worker = w;
  set_handler(SIGINT, on_signal, NULL);
  set_handler(SIGTERM, on_signal, NULL);
  rt_watchdog_on_dump_request(rt_dump_from_outside);
  set_handler(SIGQUIT, on_quit, NULL);
}

void rt_signals_share(rt_worker *w) {
  rt_worker_assert_thread(w);
  struct sigaction now;
  if (worker != NULL) return;
  if (sigaction(SIGINT, NULL, &now) != 0) return;
  if (now.sa_flags & SA_SIGINFO || now.sa_handler == SIG_IGN) return; /* the host has decided */
  worker = w;
  if (sharing) return;
  sharing = true;
  set_handler(SIGINT, on_shared_signal, &host_action);
}

void rt_signals_forget(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (worker == w) worker = NULL;
}
