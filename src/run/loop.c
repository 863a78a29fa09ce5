#include "run/loop.h"

#include "diag/watchdog.h"
#include "event/cancel_scope.h"
#include "run/blocked.h"
#include "run/current.h"
#include "run/deadlock.h"
#include "run/forked.h"
#include "run/idle_gc.h"
#include "run/job_entry.h"
#include "run/own_stalls.h"
#include "run/preempt.h"
#include "run/signals.h"
#include "run/task_entry.h"
#include "run/task_exit.h"
#include "run/unhandled.h"
#include "run/unwind.h"
#include "worker/worker.h"

enum {
  BUDGET = RT_SIZE(128, 2), /* operations that a task may do in one slice without waiting */
  POLL_RESUMES = RT_SIZE(61, 3)
};
#define POLL_TIME (2 * RT_MILLISECOND)
/* After a task that computes was switched, the others have this time before the next one that
** computes: about as long as it had (two periods of the timer of run/preempt.c). */
#define SHARE_TIME (10 * RT_MILLISECOND)
/* While other tasks can run, one of idle priority has a slice so often. */
#define IDLE_TIME (200 * RT_MILLISECOND)

/* --- one task --------------------------------------------------------------------------------- */
rt_noinline static void returned(rt_worker *w, rt_task *t, int status) {
  lua_State *co = t->co;
  if (rt_likely(status == LUA_OK)) {
    bool seen = t->is_exposed;
    rt_task_exit(w, t, w->task_entry.ended_as);
    if (rt_unlikely(seen))
      rt_coroutine_pool_retire(&w->coroutine_pool, co);
    else
      rt_coroutine_pool_give(&w->coroutine_pool, co);
  } else { /* there was no memory to keep the outcome */
    t->result = RT_RESULT_NOMEM;
    rt_task_exit(w, t, RT_FAILED); /* first: only the coroutine's stack may refer to the task */
    rt_coroutine_pool_retire_broken(&w->coroutine_pool, co);
  }
}

/* Ends a task that has yielded for the last time: it is not resumed again. */
static void finish_off(rt_worker *w, rt_task *t) {
  lua_State *co = t->co;
  if (rt_task_entry_of(w->anchors, w, co)) {
    rt_task_exit_forced(w, t);
    lua_pop(w->anchors, 1);
  } else { /* no memory to find the handle; only the coroutine's stack may refer to it */
    t->cancelled = 1;
    rt_task_exit(w, t, RT_CANCELLED);
  }
  rt_coroutine_pool_retire_broken(&w->coroutine_pool, co);
}

/* How much more CPU time than its share the task has had. ('owed' is that of the turn that has
** begun with run_computing; in another one nothing was measured.) */
static uint64_t owed_after(const rt_worker *w, const rt_task *t) {
  if (w->loop.computing_since == 0) return 0;
  uint64_t used = rt_clock_thread() - w->loop.computing_since;
  return rt_ready_owed(t->owed, used, w->preempt.timer.period);
}

/* The task has yielded without waiting: in the preemption hook, or in a function that does not know
** tasks (then the values are dropped). */
rt_noinline static void yielded(rt_worker *w, rt_task *t, int values, rt_yield how) {
  if (how == RT_YIELD_FINAL) {
    finish_off(w, t);
    return;
  }
  rt_worker_note_yield(w);
  if (how == RT_YIELD_USER) {
    lua_pop(t->co, values);
    rt_ready_add(&w->driver.ready, t);
  } else {
    rt_preempt_count(w);
    rt_ready_add_computing(&w->driver.ready, t, owed_after(w, t));
    w->loop.computed_at = rt_clock_coarse();
  }
}

/* The first resume of a task: returns the number of arguments. -1: it is the proxy of a select, it
** was cancelled before it began, or there is no memory. */
rt_noinline static int begin_task(rt_worker *w, rt_task *t) {
  if (rt_unlikely(t->is_proxy)) {
    w->hooks->wake_select(t);
    return -1;
  }
  rt_preempt_need(w);
  if (rt_task_has_ended(t)) {
    rt_start_queue_drop(&w->start_queue[t->priority], 2 + (int)t->args);
    return -1;
  }
  int args = rt_task_entry_prepare(w, t);
  if (rt_unlikely(args < 0)) {
    t->result = RT_RESULT_NOMEM;
    rt_worker_count(w, RT_COUNT_UNSTARTED, 1);
    rt_task_exit(w, t, RT_FAILED); /* first: only the start queue may refer to the task */
    rt_start_queue_drop(&w->start_queue[t->priority], 2 + (int)t->args);
  } else {
    rt_worker_count(w, RT_COUNT_STARTED, 1);
  }
  return args;
}

rt_noinline static void wake_watchdog(rt_worker *w) {
  if (w->own_stalls.precise)
    rt_own_stalls_begin_slice(w); /* the flag stays set */
  else
    rt_watchdog_wake(&w->status);
}

/* (Relaxed: the time is for display only. An older one is as if the task had waited longer.) */
static void suspended(rt_worker *w, rt_task *t) {
  t->since = rt_load_relaxed(&w->driver.timestamp);
  if (t->is_job) rt_job_set_waiting(t->more->job, t->phase == RT_WAITING);
  rt_trace(rt_worker_number(w), "wait", t->id, rt_task_waits_for(t));
}

/* (Relaxed: if must_wake_watchdog reads as false although the watchdog has just set it, a later
** resume wakes the watchdog; see diag/watchdog.c.) */
void rt_loop_run(rt_driver *d, rt_task *t) {
  rt_worker *w = rt_worker_of(d);
  int args = 0, values;
  rt_worker_assert_thread(w);
  rt_assert(w->current.task == NULL && rt_list_is_empty(&t->link));
  if (t->co == NULL && (args = begin_task(w, t)) < 0) return;
  rt_current_set_task(w, t);
  rt_worker_status_set_running(&w->status, t);
  if (rt_unlikely(rt_load_relaxed(&w->status.must_wake_watchdog))) wake_watchdog(w);
  rt_current_unblock(w);
  rt_worker_set_budget(w, BUDGET);
  w->loop.slices++;
  if (rt_chaos_is_due(RT_CHAOS_PREEMPT)) rt_preempt_soon(w, t->co);
  rt_current_set_co(w, t->co);
  if (t->is_job) rt_job_set_waiting(t->more->job, false);
  rt_trace(rt_worker_number(w), "resume", t->id, NULL);
  int status = lua_resume(t->co, NULL, args, &values);
  rt_yield how = rt_current_end(w);
  if (rt_unlikely(status != LUA_YIELD))
    returned(w, t, status);
  else if (rt_unlikely(how != RT_YIELD_WAIT))
    yielded(w, t, values, how);
  else
    suspended(w, t);
}

/* --- a turn ----------------------------------------------------------------------------------- */
static void begin_poll(rt_worker *w, rt_counter which) {
  if (rt_unlikely(w->stop.closed)) rt_forked_end();
  rt_worker_count(w, RT_COUNT_RESUMES, w->loop.slices - w->loop.polled_at);
  rt_worker_count(w, which, 1);
  w->loop.polled_at = w->loop.slices;
  rt_worker_forget_yield(w);
}

static void poll(rt_worker *w) {
  begin_poll(w, RT_COUNT_POLLS);
  rt_driver_note_time(&w->driver);
  rt_own_stalls_check(w, w->driver.polled, RT_OWN_STALLS_LAST);
  rt_driver_poll(&w->driver);
  if (w->driver.resumed_at) rt_own_stalls_check(w, rt_clock_coarse(), RT_OWN_STALLS_RESUMED);
}

/* Before the turn is over: tasks of high priority that were woken do not wait for its end. */
static void poll_in_turn(rt_worker *w) {
  poll(w);
  if (rt_unlikely(w->driver.ready.has_priorities)) rt_ready_promote(&w->driver.ready);
}

static bool is_time_to_poll(rt_worker *w) {
  return w->loop.slices - w->loop.polled_at >= POLL_RESUMES ||
         rt_clock_coarse() - w->driver.polled >= POLL_TIME;
}

/* --- tasks that others precede ---------------------------------------------------------------- */
rt_noinline static void run_computing(rt_worker *w) {
  rt_task *t = rt_ready_take_computing(&w->driver.ready, w->preempt.timer.period);
  w->loop.computing_since = rt_clock_thread();
  rt_loop_run(&w->driver, t);
  w->loop.computing_since = 0;
}

rt_noinline static void run_idle(rt_worker *w) {
  rt_loop_run(&w->driver, rt_ready_take_idle(&w->driver.ready));
  w->loop.idle_at = rt_clock_coarse();
}

/* At the end of a turn, before the poll: one of them runs if the other tasks have had their time
** since the last one ran, as of the last poll. (The virtual clock stands still.) */
rt_noinline static void run_later_if_due(rt_worker *w) {
  const rt_ready *ready = &w->driver.ready;
  uint64_t now = w->driver.polled;
  if (rt_ready_has_computing(ready) &&
      (now >= w->loop.computed_at + SHARE_TIME || rt_clock_is_virtual()))
    run_computing(w);
  if (rt_list_is_empty(&ready->idle))
    w->loop.idle_at = now;
  else if (now >= w->loop.idle_at + IDLE_TIME || rt_clock_is_virtual())
    run_idle(w);
}

/* After the poll: one of them runs if no other task can. */
rt_noinline static void run_later_if_alone(rt_worker *w) {
  rt_ready *ready = &w->driver.ready;
  if (ready->has_priorities) rt_ready_sort(ready);
  rt_ready_look(ready);
  if (!rt_list_is_empty(&ready->next) || !rt_list_is_empty(&ready->high)) return;
  if (rt_ready_has_computing(ready))
    run_computing(w);
  else if (!rt_list_is_empty(&ready->idle))
    run_idle(w);
}

/* Can this worker begin jobs? */
static bool takes_jobs(const rt_worker *w) {
  return w->slot && !w->stop.begun && !w->preload.running &&
         (w->tasks.live == 0 || !w->slot->sched->config.exclusive);
}

static void park(rt_worker *w) {
  bool takes = takes_jobs(w);
  begin_poll(w, RT_COUNT_PARKS);
  bool alone = w->pools[RT_POOL_TASKS] == NULL;
  if (!alone && rt_spin_try(&w->spin, &w->driver, takes ? w->slot : NULL)) {
    rt_driver_serve(&w->driver);
    return;
  }
  if (takes && !rt_slot_enter_idle(w->slot)) return; /* a job has been submitted */
  uint64_t since = alone ? 0 : rt_clock();
  bool post = rt_driver_park(&w->driver);
  rt_own_stalls_check(w, w->driver.polled, RT_OWN_STALLS_RESUMED);
  if (takes) rt_slot_leave_idle(w->slot, !rt_ready_is_idle(&w->driver.ready));
  if (alone) return;
  rt_spin_slept(&w->spin, rt_clock() - since, post || (takes && rt_sched_would_take(w->slot)));
}

static void end_turn(rt_worker *w) {
  rt_ready *ready = &w->driver.ready;
  if (rt_unlikely(ready->has_more)) run_later_if_due(w);
  if (rt_unhandled_is_due(w)) rt_unhandled_report(w);
  if (rt_ready_is_idle(ready)) {
    rt_worker_status_clear_running(&w->status);
    if (rt_idle_gc_step(w))
      poll(w);
    else
      park(w);
  } else if (w->turn.yielded || is_time_to_poll(w)) {
    poll(w);
  }
  if (rt_unlikely(ready->has_more)) run_later_if_alone(w);
  rt_ready_flip(ready);
}

/* --- a worker of the pool --------------------------------------------------------------------- */
/* Begins one job a turn, and one more for every eight tasks that ran in it, so that jobs begin at a
** rate that does not fall with the number of tasks. */
static void take_jobs(rt_worker *w, int ran) {
  /* Relaxed: a submitter only chooses a queue by it. The check for a deadlock needs the last value,
  ** which rt_active_threads_leave publishes before this worker blocks (rt_sched_is_asleep). */
  rt_store_relaxed(&w->slot->load, (int)w->tasks.live);
  for (int n = 1 + ran / 8; n > 0 && takes_jobs(w); n--) {
    rt_job *j = rt_sched_take(w->slot, rt_ready_is_free(&w->driver.ready));
    if (j == NULL) return;
    rt_job_entry_take(w, j);
    rt_store_relaxed(&w->slot->load, (int)w->tasks.live);
  }
}

void rt_loop_serve(rt_worker *w) {
  rt_worker_assert_thread(w);
  int ran = 0;
  for (;;) {
    rt_task *t = rt_ready_take(&w->driver.ready);
    if (t) {
      ran++;
      rt_loop_run(&w->driver, t);
      if (is_time_to_poll(w)) poll_in_turn(w);
      continue;
    }
    if (rt_unlikely(w->unwind.requested)) {
      rt_unwind_member(w);
      rt_worker_status_clear_running(&w->status);
      if (w->tasks.live == 0 || w->unwind.grace_over) return;
    }
    take_jobs(w, ran);
    ran = 0;
    end_turn(w);
  }
}

/* --- the main chunk --------------------------------------------------------------------------- */
/* SIGINT or SIGTERM has come: the main chunk, which waits, is cancelled, and by its end all
** tasks. It may wait for some of them before that, as rt.scope does for its tasks, so those that it
** has cancelled are not left in calls that block: each tick of run/signals.c comes here. At the end
** of the grace the main chunk is ended where it waits. */
static void interrupt_main(rt_worker *w, lua_State *L) {
  rt_task *t = w->main;
  if (w->signals.over) rtL_signals_force(w, L); /* does not return */
  rt_blocked_check_cancelled(w);
  if (t->cancelled) return;
  t->cancelled = 1;
  rt_cancel_scope_deliver(t, &w->driver);
}

void rtL_loop_drive(rt_worker *w, lua_State *L) {
  rt_worker_assert_thread(w);
  rt_task *t;
  /* This is L, unless L was resumed by a function that rt does not know. */
  lua_State *outer = w->current.co;
  rt_assert(!w->driver.inside);
  w->main->since = rt_load_relaxed(&w->driver.timestamp); /* (relaxed: see 'suspended') */
  rt_current_set_task(w, NULL);
  rt_current_set_co(w, NULL);
  rt_own_stalls_begin(w);
  for (;;) {
    if (rt_unlikely(w->exit.requested && !w->stop.begun)) w->hooks->leave(w, L);
    if (rt_unlikely(w->signals.interrupted && !w->stop.begun)) interrupt_main(w, L);
    if ((t = rt_ready_take(&w->driver.ready)) == NULL) {
      end_turn(w);
      if (rt_unlikely(w->deadlock.suspected)) rt_deadlock_examine(w);
    } else if (t->is_main) {
      break;
    } else {
      rt_loop_run(&w->driver, t);
      if (is_time_to_poll(w)) poll_in_turn(w);
    }
  }
  rt_worker_status_clear_running(&w->status);
  if (w->tasks.live > 0 && !w->in_rt_lua) w->hooks->on_main_resumed(w);
  if (rt_unlikely(w->signals.interrupted)) rt_signals_note(w);
  rt_current_set_task(w, w->main);
  w->loop.slices++;
  rt_current_set_co(w, outer);
  rt_worker_set_budget(w, BUDGET);
}
