#include "run/dump_signal.h"

#include "diag/watchdog.h"
#include "run/current.h"
#include "run/dump.h"
#include "task/task_title.h"

#include <stdio.h>
#include <unistd.h>

/* The post is on its way. Main worker's thread: set by the handler, cleared by the worker. */
static volatile sig_atomic_t posted;

static void on_dump_post(rt_post *p, void *driver) {
  (void)p;
  posted = 0;
  rt_dump_write(rt_worker_of(driver), stderr);
}

static void dump_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  rt_worker *w = rt_worker_find(L);
  lua_sethook(L, NULL, 0, 0);
  if (w && !w->stop.closed) rt_mailbox_drain(&w->driver.mailbox);
}

/* Writes what the worker is running: the dump follows at the next Lua instruction, which never
** comes if a C function does not return. (printf is not async-signal-safe.) */
static void write_running(const rt_worker *w) {
  char text[256];
  size_t n = rt_task_title_append(text, 0, sizeof text, "rt: SIGQUIT: ");
  n = rt_current_append_title(text, n, sizeof text, w);
  n = rt_task_title_append(text, n, sizeof text - 1, "; its dump follows");
  text[n++] = '\n';
  if (write(STDERR_FILENO, text, n) < 0) return;
}

static void dump_here(rt_worker *w) {
  static rt_post post = {.deliver = on_dump_post};
  if (w->current.task) write_running(w);
  if (posted) return;
  posted = 1;
  rt_mailbox_post(&w->driver.mailbox, &post);
  if (w->current.co && lua_gethook(w->current.co) == NULL)
    lua_sethook(w->current.co, dump_hook, LUA_MASKCOUNT, 1);
}

void rt_dump_signal_open(void) { rt_watchdog_on_dump_request(rt_dump_from_outside); }

void rt_dump_signal_ask(rt_worker *w) {
  if (!rt_watchdog_request_dump() && w != NULL) dump_here(w);
}
