#include "run/stop.h"

#include "diag/watchdog.h"
#include "event/cancel_scope.h"
#include "run/blocked.h"
#include "run/current.h"
#include "run/end_wait.h"
#include "run/exit.h"
#include "run/grace_timer.h"
#include "run/loop.h"
#include "run/signals.h"
#include "run/unhandled.h"
#include "run/unwind.h"

/* --- the end of the main chunk ---------------------------------------------------------------- */
/* The pool workers keep the same grace, and get this time after it to report their errors. */
#define REPORT_TIME (RT_SECOND / 2)
/* After a signal the process is ended by force half a second after the grace (run/signals.c): what
** follows the wait needs some of that. */
#define REPORT_TIME_AFTER_SIGNAL (RT_SECOND / 5)

/* The time (rt_clock) by which all tasks are to have unwound. */
static uint64_t end_of_grace(rt_worker *w) {
  uint64_t now = rt_clock(), grace = rt_worker_grace(w);
  uint64_t left = rt_signals_time_left(w);
  if (w->shutdown.deadline) grace = w->shutdown.deadline > now ? w->shutdown.deadline - now : 0;
  if (left < grace) grace = left;
  if (w->worker_config) rt_store(&w->worker_config->grace, grace);
  rt_grace_timer_clear(w);
  return now + grace;
}

/* (In virtual time a thread that waits for its turn is blocked, too.) */
static void on_blocked_check(rt_timer_call *call) {
  rt_worker *w = rt_grace_timer_worker(call);
  if (rt_blocked_check(w) && w->tasks.live == 0)
    rt_end_wait_give_up(w);
  else
    rt_grace_timer_set(w, on_blocked_check, rt_driver_after(&w->driver, RT_BLOCKED_PERIOD));
}

static void begin_blocked_checks(rt_worker *w) {
  if (w->runtime == NULL || w->driver.vthread) return;
  rt_blocked_begin(w);
  rt_grace_timer_set(w, on_blocked_check, rt_driver_after(&w->driver, RT_BLOCKED_PERIOD));
}

static void wait_for_end(lua_State *L, rt_worker *w, uint64_t until) {
  uint64_t now = rt_clock();
  if (rt_end_wait_is_over(w) || now >= until) return;
  rt_task_uncancel(w->main); /* a signal may have cancelled it: not this wait */
  rt_end_wait_begin(w);
  rt_task_sleep(w->main, &w->driver.wheel, rt_driver_after(&w->driver, until - now));
  rtL_loop_drive(w, L);
  rt_end_wait_finish(w);
}

static void stop_pools(rt_worker *w) {
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which]) rt_sched_stop(w->pools[which]);
}

/* From now on no thread can post to this worker. The posts that are in the mailbox are delivered
** now: they are parts of slots, jobs and the runtime, which this worker drops later. */
static void close_runtime(rt_worker *w) {
  if (w->runtime == NULL) return;
  rt_runtime_close(w->runtime);
  rt_mailbox_drain(&w->driver.mailbox);
}

static void close_pools(rt_worker *w) {
  rt_worker_registry_set_pools(&w->status, w->runtime, NULL);
  for (int which = 0; which < RT_POOLS; which++) {
    if (w->pools[which]) rt_sched_close(w->pools[which]);
    w->pools[which] = NULL;
  }
  if (w->worker_config && rt_load(&w->worker_config->any_unhandled)) rt_exit_fail(w);
}

/* Errors are reported before the pools are closed, and again when the last posts have been
** delivered. */
static void report_and_close(lua_State *L, rt_worker *w) {
  rtL_unhandled_report_all(L, w);
  if (w->runtime) {
    close_runtime(w);
    rtL_unhandled_report_all(L, w);
  }
  close_pools(w);
}

void rt_stop_part(rt_worker *w) {
  rt_worker_assert_thread(w);
  uint64_t until = rt_clock() + rt_worker_grace(w) + REPORT_TIME;
  stop_pools(w);
  /* This polls, since a wake-up would need this worker's loop, which may run no task any more. */
  while (!rt_end_wait_has_pool_ended(w) && rt_clock() < until) rt_thread_sleep(RT_MILLISECOND);
  close_runtime(w);
  rt_unhandled_drop_jobs(w);
  close_pools(w);
}

static void on_finalizers_late(rt_timer_call *call) {
  rt_worker *w = rt_grace_timer_worker(call);
  w->main->cancelled = 1;
  rt_cancel_scope_deliver(w->main, &w->driver);
}

/* Finalizers may still wait, and no task is left to wake them: their waits are cancelled after a
** time. */
static void limit_finalizers(rt_worker *w) {
  rt_task_uncancel(w->main);
  rt_grace_timer_set(w, on_finalizers_late, rt_driver_after(&w->driver, REPORT_TIME));
}

void rtL_stop(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (w->stop.begun || w->stop.closed || w->driver.inside || w->main == NULL) return;
  rt_worker_begin_stop(w);
  rt_watchdog_clear_exit_deadline();
  rt_cancel_scope_close_all(w->main);
  uint64_t until = end_of_grace(w); /* before the pools are stopped: they read the grace */
  stop_pools(w);
  begin_blocked_checks(w);
  rt_unwind_begin(L, w);
  wait_for_end(L, w, until);
  if (w->tasks.live > 0) rt_unwind_finish(L, w);
  wait_for_end(L, w, until + (w->signals.interrupted ? REPORT_TIME_AFTER_SIGNAL : REPORT_TIME));
  rt_grace_timer_clear(w);
  report_and_close(L, w);
  limit_finalizers(w);
}

static int protected_stop(lua_State *L) {
  rtL_stop(L, lua_touserdata(L, 1));
  return 0;
}

void rt_stop_quietly(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  lua_pushcfunction(L, protected_stop);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

void rt_stop_at_close(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_worker_begin_state_close(w);
  rt_stop_quietly(L, w);
}

/* --- leaving ---------------------------------------------------------------------------------- */
void rtL_stop_and_exit(rt_worker *w, lua_State *L) {
  rt_worker_assert_thread(w);
  int code = rt_exit_take(w);
  /* The main chunk is not resumed again, whatever it waits for. */
  if (w->main->phase == RT_WAITING)
    rt_task_unpark(w->main, RT_FIRED);
  else
    rt_list_remove(&w->main->link);
  rt_current_set_task(w, w->main);
  rt_current_set_co(w, L);
  rt_stop_quietly(L, w);
  /* What the main chunk waits for may be freed before its waiters. */
  rt_waiter_withdraw_all(&w->driver);
  rtL_exit_call_original(L, w, code, true);
}
