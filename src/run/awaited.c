#include "run/awaited.h"

#include "event/cancel_scope.h"

enum { DEPTH_MAX = 8 }; /* of tasks that wait for each other */

/* The one task of this state that joins it. NULL if there are several, of which one may not be
** cancelled; or if it does so in an rt.select, where it may be resumed by something else. */
static rt_task *joiner(const rt_task *t) {
  const rt_list *first = t->more ? t->more->joiners.next : NULL;
  if (first == NULL || first == &t->more->joiners || first->next != &t->more->joiners) return NULL;
  rt_task *found = rt_containerof(first, rt_task, link);
  return found->is_proxy ? NULL : found;
}

/* The task of this worker that has opened the scope of which the task is a part. */
static rt_task *opener(const rt_worker *w, const rt_task *t) {
  const rt_group *g = NULL;
  if (t->more) g = t->is_job ? t->more->job->member.group : t->more->group;
  return g && g->driver == &w->driver ? g->opener : NULL;
}

/* cancels: if so, the task and those between it and the cancelled one are cancelled, too. (Who
** waits is read first: a cancel withdraws the waits.) */
static bool find(rt_worker *w, rt_task *t, bool cancels, int depth) {
  if (t == NULL || depth == DEPTH_MAX || rt_cancel_scope_is_shielded(t)) return false;
  if (t->cancelled || (t->is_job && rt_job_was_cancelled(t->more->job))) return true;
  rt_task *by_join = joiner(t), *by_scope = opener(w, t);
  if (!find(w, by_join, cancels, depth + 1) && !find(w, by_scope, cancels, depth + 1)) return false;
  if (cancels) {
    t->cancelled = 1;
    rt_cancel_scope_deliver(t, &w->driver);
  }
  return true;
}

bool rt_awaited_is_cancelled(rt_worker *w, rt_task *t) { return find(w, t, false, 0); }

void rt_awaited_cancel(rt_worker *w, rt_task *t) {
  rt_worker_assert_thread(w);
  find(w, t, true, 0);
}
