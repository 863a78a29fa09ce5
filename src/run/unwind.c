#include "run/unwind.h"

#include "run/task_entry.h"
#include "event/cancel_scope.h"
#include "run/unhandled.h"
#include "run/job_entry.h"

static void cancel_queued(rt_worker *w, rt_list *ready) {
  for (rt_list *l = ready->next; l != ready; l = l->next) {
    rt_task *t = rt_containerof(l, rt_task, link);
    if (t->phase != RT_QUEUED || t->is_handler) continue; /* (an error is still to be told) */
    w->live--;
    rt_worker_count(w, RT_COUNT_UNSTARTED, 1);
    rt_worker_count_end(w, RT_CANCELLED);
    rt_job_entry_end(t, RT_CANCELLED);
    rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
  }
}

/* Calls 'f' for every task that has begun and not ended; its handle is on top of L. */
static void each_begun(lua_State *L, rt_worker *w, void (*f)(lua_State *, rt_worker *, rt_task *)) {
  rtL_anchor_push(L, w, RT_ANCHOR_COROUTINES);
  int table = lua_gettop(L);
  for (int i = (int)lua_rawlen(L, table); i > 0; i--) {
    lua_rawgeti(L, table, i);
    lua_State *co = lua_tothread(L, -1);
    rt_task *t = co && lua_status(co) == LUA_YIELD ? rtL_task_entry(L, w, co) : NULL;
    if (t && !rt_task_ended(t)) f(L, w, t);
    lua_settop(L, table);
  }
  lua_pop(L, 1);
}

/* It has not unwound in time: its <close> variables run now, as nobody's, and cannot wait. */
static void finish_off(lua_State *L, rt_worker *w, rt_task *t) {
  lua_State *co = t->co;
  rt_task *running = w->running;
  rt_list_remove(&t->link);
  rt_cancel_scope_close_all(t);
  w->live--;
  rt_worker_count_end(w, RT_CANCELLED);
  t->co = NULL;
  w->running = NULL;
  rtL_reset(co, L); /* before anyone hears of its end */
  w->running = running;
  rt_task_release_locks(t);
  rt_job_entry_end(t, RT_CANCELLED);
  rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
}

/* It has called os.exit, and is on no list: nobody would let it go on. */
static bool has_exited(const rt_task *t) {
  return t->phase == RT_RUNNING && rt_list_empty(&t->link);
}

/* Without a reason: there may be no memory for one; see push_reason of run/cancel.c. */
static void cancel(lua_State *L, rt_worker *w, rt_task *t) {
  if (has_exited(t)) finish_off(L, w, t);
  if (t->cancelled || rt_task_ended(t)) return;
  t->cancelled = 1;
  rt_cancel_scope_deliver(t, &w->driver);
}

void rtL_unwind_begin(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  cancel_queued(w, &w->driver.ready.now);
  cancel_queued(w, &w->driver.ready.next);
  each_begun(L, w, cancel);
}

/* What they wait for may go with their stacks: nobody is to call them any more. */
void rtL_unwind_finish(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_waiter_withdraw_all(&w->driver);
  each_begun(L, w, finish_off);
}

bool rt_unwind_is_alone(const rt_worker *w) {
  rt_worker_assert_thread(w);
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which] && rt_sched_live(w->pools[which]) > 0) return false;
  return true;
}

bool rt_unwind_is_over(const rt_worker *w) { return w->live == 0 && rt_unwind_is_alone(w); }

void rt_unwind_note_end(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (!w->stop.main_waits || !rt_unwind_is_over(w)) return;
  w->stop.main_waits = false; /* (it may be awake already: the grace has passed) */
  if (w->main->phase == RT_WAITING) rt_driver_wake(&w->driver, w->main, RT_FIRED);
}

/* --- the end of a worker of the pool -------------------------------------------------------------------- */
static int protected_unwind(lua_State *L) {
  rtL_unwind_begin(L, lua_touserdata(L, 1));
  return 0;
}

static int protected_finish(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  rtL_unwind_finish(L, w);
  rtL_unhandled_report_all(L, w);
  return 0;
}

static void do_protected(rt_worker *w, lua_CFunction f) {
  lua_State *L = w->pcall_L;
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

static void on_grace_over(rt_timeout *t) {
  rt_containerof(t, rt_worker, stop.grace)->stop.grace_over = true;
}

void rt_unwind_member(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->stop.begun) return;
  w->stop.begun = true;
  rt_timeout_init(&w->stop.grace, on_grace_over);
  rt_wheel_add(&w->driver.wheel, &w->stop.grace.timer, RT_TIMER_CALL,
               rt_driver_after(&w->driver, rt_worker_grace(w)));
  do_protected(w, protected_unwind);
}

void rt_unwind_member_finish(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_timer_remove(&w->stop.grace.timer);
  do_protected(w, protected_finish);
  if (w->exit.failed) rt_store(&w->worker_config->any_unhandled, true);
}
