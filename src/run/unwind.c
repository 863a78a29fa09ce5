#include "run/unwind.h"

#include "event/cancel_scope.h"
#include "run/grace_timer.h"
#include "run/job_entry.h"
#include "run/task_entry.h"
#include "run/task_exit.h"
#include "run/unhandled.h"

static void cancel_all_queued(rt_worker *w, rt_list *ready) {
  for (rt_list *l = ready->next; l != ready; l = l->next) {
    rt_task *t = rt_containerof(l, rt_task, link);
    if (t->phase != RT_QUEUED || t->is_handler) continue; /* (a handler first reports its error) */
    rt_worker_task_ended(w);
    rt_worker_count(w, RT_COUNT_UNSTARTED, 1);
    rt_worker_count_end(w, RT_CANCELLED);
    rt_job_entry_end(t, RT_CANCELLED);
    rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
  }
}

/* Has the task called os.exit? Then it is on no list, and nothing would resume it. */
static bool has_exited(const rt_task *t) {
  return t->phase == RT_RUNNING && rt_list_is_empty(&t->link);
}

/* No reason is kept, since there may be no memory for it; push_reason of run/cancel.c makes it. */
static void cancel_begun(rt_worker *w, rt_task *t) {
  if (has_exited(t)) rt_task_exit_forced(w, t);
  if (t->cancelled || rt_task_has_ended(t)) return;
  t->cancelled = 1;
  rt_cancel_scope_deliver(t, &w->driver);
}

void rt_unwind_begin(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  cancel_all_queued(w, &w->driver.ready.now);
  cancel_all_queued(w, &w->driver.ready.next);
  cancel_all_queued(w, &w->driver.ready.high);
  cancel_all_queued(w, &w->driver.ready.idle);
  rt_task *t;
  for (int i = rt_task_entry_first(w); (t = rt_task_entry_next(L, w, &i)) != NULL; lua_pop(L, 1))
    cancel_begun(w, t);
}

/* The waiters are withdrawn first: what a task waits for may be held by the stack of another
** one. */
void rt_unwind_finish(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_waiter_withdraw_all(&w->driver);
  rt_task *t;
  for (int i = rt_task_entry_first(w); (t = rt_task_entry_next(L, w, &i)) != NULL; lua_pop(L, 1))
    rt_task_exit_forced(w, t);
}

/* --- the end of a worker of the pool ---------------------------------------------------------- */
static int protected_finish(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  rt_unwind_finish(L, w);
  rtL_unhandled_report_all(L, w);
  return 0;
}

static void on_member_grace_over(rt_timer_call *call) {
  rt_grace_timer_worker(call)->unwind.grace_over = true;
}

void rt_unwind_member_on_post(rt_post *p, void *driver) {
  (void)p;
  rt_worker_of(driver)->unwind.requested = true;
}

void rt_unwind_member(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->stop.begun) return;
  rt_worker_begin_stop(w);
  rt_grace_timer_set(w, on_member_grace_over, rt_driver_after(&w->driver, rt_worker_grace(w)));
  rt_unwind_begin(w->pcall_L, w);
}

void rt_unwind_member_finish(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_grace_timer_clear(w);
  lua_State *L = w->pcall_L;
  lua_pushcfunction(L, protected_finish);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  if (w->exit.failed) rt_store(&w->worker_config->any_unhandled, true);
}
