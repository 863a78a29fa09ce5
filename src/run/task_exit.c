#include "run/task_exit.h"

#include "event/cancel_scope.h"
#include "run/current.h"
#include "run/end_wait.h"
#include "run/idle_gc.h"
#include "run/job_entry.h"

/* A key that is not there is not set to nil: Lua before 5.4.3 would allocate memory for it. */
static void forget_reason(rt_worker *w, const rt_task *t) {
  if (lua_rawgetp(w->anchors, RT_ANCHOR_REASONS, t) != LUA_TNIL) {
    lua_pushnil(w->anchors);
    lua_rawsetp(w->anchors, RT_ANCHOR_REASONS, t);
  }
  lua_pop(w->anchors, 1);
}

void rt_task_exit(rt_worker *w, rt_task *t, rt_phase how) {
  rt_end_wait_task_ended(w, rt_worker_task_ended(w));
  rt_worker_count_end(w, how);
  rt_trace(rt_worker_number(w), "end", t->id, rt_phase_name(how));
  t->co = NULL;
  if (rt_unlikely(t->more && t->more->cancel_scopes))
    rt_cancel_scope_close_all(t); /* those of coroutines that the task did not run to their end */
  if (rt_unlikely(t->more != NULL)) rt_task_release_locks(t);
  if (rt_unlikely(t->is_job)) {
    if (t->more->sockets != 0) /* they may be garbage now, and no job may come that collects them */
      rt_idle_gc_request(w);
    rt_job_entry_end(t, how);
  }
  if (rt_unlikely(t->cancelled)) forget_reason(w, t);
  rt_task_end(t, &w->driver.ready.next, how);
}

void rt_task_exit_forced(rt_worker *w, rt_task *t) {
  rt_task *running = w->current.task;
  rt_list_remove(&t->link);
  rt_cancel_scope_close_all(t);
  t->cancelled = 1;
  rt_current_set_task(w, NULL); /* so that operations in the <close> variables raise */
  rt_closethread(t->co, NULL);
  rt_current_set_task(w, running);
  rt_task_exit(w, t, RT_CANCELLED);
}
