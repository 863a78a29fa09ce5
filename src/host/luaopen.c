#include "host/luaopen.h"

#include "host/close_sentinel.h"
#include "host/core_module.h"
#include "host/pools.h"
#include "lib/operation.h"
#include "run/current.h"
#include "run/deadlock.h"
#include "run/forked.h"
#include "run/inspect.h"
#include "run/loop.h"
#include "run/preempt.h"
#include "run/signals.h"
#include "run/stop.h"

#include <fcntl.h>
#include <unistd.h>

/* --- the hooks -------------------------------------------------------------------------------- */
static const rt_worker_hooks hooks = {.run = rt_loop_run,
                                      .on_stillness = rt_deadlock_on_stillness,
                                      .answer_snapshot = rt_inspect_answer,
                                      .wake_select = rt_select_wake,
                                      .interrupt = rt_preempt_interrupt,
                                      .leave = rtL_stop_and_exit,
                                      .on_forked = rt_forked_leave,
                                      .on_main_resumed = rt_close_sentinel_renew,
                                      .open_pools = rtL_pools_open};

/* --- opening ---------------------------------------------------------------------------------- */
static void make_main_task(lua_State *L, rt_worker *w) {
  rt_task *t = rtL_class_new(L, &w->classes, RT_CLASS_TASK, sizeof *t, 0);
  rt_task_init(t, 0);
  t->phase = RT_RUNNING;
  t->is_main = 1;
  rt_anchor_set(L, w, RT_ANCHOR_MAIN);
  w->main = t;
  rt_current_set_task(w, t);
  rt_current_set_co(w, w->L); /* (rt did not see the resume of a coroutine that requires rt) */
}

/* If a standard descriptor is closed, libuv would get its number for a descriptor of its own, and
** abort later. So /dev/null is opened there, in the direction in which the program does not use it:
** its reads and writes still fail with EBADF. */
static void occupy_standard_descriptors(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int luaopen_rt_core(lua_State *L) {
  luaL_checkversion(L);
  if (rtL_core_module_find(L)) return 1;
  occupy_standard_descriptors();
  rt_worker *w = rtL_core_module_new(L, &hooks);
  make_main_task(L, w);
  rtL_close_sentinel_open(L, w);
  if (rt_vtime_join(&w->vthread)) w->driver.vthread = &w->vthread;
  rt_signals_share(w);
  rtL_core_module_install(L, w);
  rt_core_module_enter(w);
  return 1;
}
