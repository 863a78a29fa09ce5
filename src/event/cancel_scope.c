#include "event/cancel_scope.h"

#include "base/fork.h"

static rt_cancel_scope *innermost_scope(const rt_task *t) {
  return t->more ? t->more->cancel_scopes : NULL;
}

/* Looks outwards from the innermost scope, up to the first shield whose deadline has not passed. */
rt_cancel_kind rt_cancel_scope_effective(const rt_task *t, rt_cancel_scope **which) {
  rt_cancel_scope *found = NULL, *s = innermost_scope(t);
  for (; s && !(s->shield && !s->passed); s = s->outer)
    if (s->passed && !s->shield) found = s;
  if (s == NULL && t->cancelled) return RT_CANCEL_TASK;
  *which = found;
  return found ? RT_CANCEL_SCOPE : RT_CANCEL_NONE;
}

void rt_cancel_scope_deliver(rt_task *t, rt_driver *d) {
  rt_cancel_scope *which;
  t->alert = 1;
  if (rt_cancel_scope_effective(t, &which) == RT_CANCEL_NONE) return;
  rt_ready_hasten(&d->ready, t);
  if (t->phase != RT_WAITING) return;
  rt_waiter_cancel(t);
  rt_driver_wake(d, t, RT_WITHDRAWN);
}

void rt_cancel_scope_cancel(rt_cancel_scope *scope) {
  scope->passed = true;
  rt_cancel_scope_deliver(scope->task, scope->driver);
}

static void scope_on_deadline(rt_timer_call *timeout) {
  rt_cancel_scope_cancel(rt_containerof(timeout, rt_cancel_scope, deadline));
}

rt_cancel_scope *rt_cancel_scope_open(rt_task *t, rt_driver *d, uint64_t due, bool shield) {
  rt_more *more = rt_task_more(t);
  rt_cancel_scope *scope = more ? rt_calloc(sizeof *scope) : NULL;
  if (scope == NULL) return NULL;
  scope->task = t;
  scope->driver = d;
  scope->shield = shield;
  rt_timer_call_init(&scope->deadline, scope_on_deadline);
  if (due <= rt_driver_tick(d)) {
    scope->passed = true;
    t->alert = 1;
  } else if (due != RT_NEVER) {
    rt_wheel_add(&d->wheel, &scope->deadline.timer, RT_TIMER_CALL, due);
  }
  scope->outer = more->cancel_scopes;
  more->cancel_scopes = scope;
  return scope;
}

void rt_cancel_scope_set_opener(rt_task *t, rt_shared *group, rt_task *volatile *opener) {
  rt_cancel_scope *scope = innermost_scope(t);
  if (scope == NULL || !scope->critical || scope->group) return;
  rt_shared_hold(group);
  scope->group = group;
  scope->group_opener = opener;
  *opener = t;
}

bool rt_cancel_scope_is_critical(const rt_task *t) {
  rt_cancel_scope *scope = innermost_scope(t);
  while (scope && !scope->critical) scope = scope->waiter ? scope->outer->outer : scope->outer;
  return scope != NULL;
}

bool rt_cancel_scope_is_shielded(const rt_task *t) {
  const rt_cancel_scope *s = innermost_scope(t);
  while (s && !(s->shield && !s->passed)) s = s->outer;
  return s != NULL;
}

bool rt_cancel_scope_is_protected(const rt_task *t) {
  return rt_cancel_scope_is_shielded(t) || rt_cancel_scope_is_critical(t);
}

void rt_cancel_scope_expire(rt_task *t, uint64_t tick) {
  for (rt_cancel_scope *scope = innermost_scope(t); scope; scope = scope->outer) {
    rt_timer *timer = &scope->deadline.timer;
    if (rt_list_is_empty(&timer->link) || timer->due > tick) continue;
    rt_timer_remove(timer);
    scope->passed = true;
    t->alert = 1;
  }
}

static bool is_any_passed(const rt_task *t) {
  for (rt_cancel_scope *scope = innermost_scope(t); scope; scope = scope->outer)
    if (scope->passed) return true;
  return false;
}

/* Not called in a child of fork: a thread that does not exist there may have the lock. */
static void release_group(rt_cancel_scope *scope) {
  if (scope->waiter) {
    rt_waiter_withdraw(scope->waiter);
    rt_waiter_free(scope->waiter);
  }
  rt_shared_drop(scope->group);
}

static void scope_remove(rt_task *t, rt_cancel_scope **at) {
  rt_cancel_scope *scope = *at;
  *at = scope->outer;
  rt_timer_remove(&scope->deadline.timer);
  if (scope->group) {
    if (scope->group_opener) *scope->group_opener = NULL;
    if (!rt_fork_is_child()) release_group(scope);
  }
  rt_free(scope);
  if (t->alert) t->alert = t->cancelled || is_any_passed(t);
}

/* The scope is the innermost one, unless a coroutine has opened another and was never finished. */
void rt_cancel_scope_close(rt_task *t, uint64_t serial) {
  if (t->more == NULL) return;
  rt_cancel_scope **at = &t->more->cancel_scopes;
  while (*at && (*at)->serial != serial) at = &(*at)->outer;
  if (*at) scope_remove(t, at);
}

void rt_cancel_scope_close_all(rt_task *t) {
  while (innermost_scope(t)) scope_remove(t, &t->more->cancel_scopes);
}
