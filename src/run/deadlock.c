#include "run/deadlock.h"

#include "run/dump.h"
#include "run/exit.h"

/* --- detecting -------------------------------------------------------------------------------- */
static bool are_pools_asleep(const rt_worker *w) {
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which] && !rt_sched_is_asleep(w->pools[which])) return false;
  return true;
}

/* Does something outside of the runtime end the main chunk's wait: input at the prompt, or the
** grace? */
static bool is_woken_from_outside(const rt_worker *w) {
  return w->stop.begun || w->main->phase != RT_WAITING || w->main->op == RT_OP_STDIN;
}

static bool suspect_in_main(rt_worker *w) {
  w->deadlock.suspected = !is_woken_from_outside(w) && are_pools_asleep(w);
  return !w->deadlock.suspected;
}

static void suspect_in_pool(rt_worker *w) {
  rt_runtime *r = w->slot->sched->config.runtime;
  if (rt_runtime_main_is_asleep(r) && are_pools_asleep(w)) rt_runtime_post_stillness(r);
}

bool rt_deadlock_on_stillness(rt_driver *d) {
  rt_worker *w = rt_worker_of(d);
  if (w->slot == NULL) return suspect_in_main(w);
  suspect_in_pool(w);
  return true;
}

void rt_deadlock_on_report(rt_post *p, void *driver) {
  rt_runtime_stillness_received(rt_containerof(p, rt_runtime, stillness_post));
  rt_worker_of(driver)->deadlock.suspected = true;
}

/* Has this worker something to do, now or as soon as it polls? */
static bool has_something_to_do(rt_worker *w) {
  rt_driver *d = &w->driver;
  return !rt_ready_is_idle(&d->ready) || rt_load(&d->mailbox.newest) != NULL || w->exit.requested ||
         (w->interrupted && !w->main->cancelled) || !rt_driver_awaits_only_posts(d);
}

/* The word of the active threads counts how often a thread became active. If it is the same before
** and after the checks, no thread did in between, so all that the checks saw was true at the same
** time. */
static bool is_deadlock(rt_worker *w) {
  uint64_t before = w->runtime ? rt_active_threads_read(&w->runtime->active) : 0;
  if (is_woken_from_outside(w) || has_something_to_do(w)) return false;
  if (w->runtime == NULL) return true;
  return rt_active_threads_number(before) == 1 && are_pools_asleep(w) &&
         rt_active_threads_read(&w->runtime->active) == before;
}

/* --- reporting -------------------------------------------------------------------------------- */
#define ADVICE "no task can go on, and no timer, socket or job is left that could wake one"

static void report_deadlock(rt_worker *w) {
  fputs("rt: deadlock: " ADVICE "\n", stderr);
  rt_dump_write(w, stderr);
}

/* A program that catches the error and runs into the next deadlock is ended at the fourth. */
enum { FORGIVEN_MAX = 3 };

void rt_deadlock_examine(rt_worker *w) {
  rt_worker_assert_thread(w);
  w->deadlock.suspected = false;
  if (!is_deadlock(w)) return;
  report_deadlock(w);
  rt_exit_fail(w);
  if (++w->deadlock.reports > FORGIVEN_MAX) {
    rt_exit_request(w, EXIT_FAILURE);
    return;
  }
  w->deadlock.to_raise = true;
  rt_driver_wake(&w->driver, w->main, RT_WITHDRAWN);
}

int rtL_deadlock_raise(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  w->deadlock.to_raise = false;
  return luaL_error(L, "deadlock: " ADVICE);
}
