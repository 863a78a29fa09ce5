#include "event/cancel_scope.h"

static rt_cancel_scope *innermost(const rt_task *t) {
  return t->more ? t->more->cancel_scopes : NULL;
}

rt_cancel_kind rt_cancel_scope_effective(const rt_task *t, rt_cancel_scope **which) {
  rt_cancel_scope *hit = NULL, *f = innermost(t);
  for (; f && !(f->shield && !f->passed); f = f->outer)
    if (f->passed && !f->shield) hit = f;
  if (f == NULL && t->cancelled) return RT_CANCEL_TASK;
  *which = hit;
  return hit ? RT_CANCEL_SCOPE : RT_CANCEL_NONE;
}

void rt_cancel_scope_deliver(rt_task *t, rt_driver *d) {
  rt_cancel_scope *which;
  t->alert = 1;
  if (t->phase != RT_WAITING || rt_cancel_scope_effective(t, &which) == RT_CANCEL_NONE) return;
  rt_waiter_cancel(t);
  rt_driver_wake(d, t, RT_WITHDRAWN);
}

void rt_cancel_scope_cancel(rt_cancel_scope *f) {
  f->passed = true;
  rt_cancel_scope_deliver(f->task, f->driver);
}

static void on_deadline(rt_timeout *timeout) {
  rt_cancel_scope_cancel(rt_containerof(timeout, rt_cancel_scope, deadline));
}

rt_cancel_scope *rt_cancel_scope_open(rt_task *t, rt_driver *d, uint64_t due, bool shield) {
  rt_more *more = rt_task_more(t);
  rt_cancel_scope *f = more ? rt_calloc(sizeof *f) : NULL;
  if (f == NULL) return NULL;
  f->task = t;
  f->driver = d;
  f->shield = shield;
  rt_timeout_init(&f->deadline, on_deadline);
  if (due <= rt_driver_tick(d)) {
    f->passed = true;
    t->alert = 1;
  } else if (due != RT_NEVER) {
    rt_wheel_add(&d->wheel, &f->deadline.timer, RT_TIMER_CALL, due);
  }
  f->outer = more->cancel_scopes;
  more->cancel_scopes = f;
  return f;
}

bool rt_cancel_scope_is_critical(const rt_task *t) {
  rt_cancel_scope *f = innermost(t);
  while (f && !f->critical) f = f->waiter ? f->outer->outer : f->outer;
  return f != NULL;
}

void rt_cancel_scope_expire(rt_task *t, uint64_t tick) {
  for (rt_cancel_scope *f = innermost(t); f; f = f->outer) {
    rt_timer *timer = &f->deadline.timer;
    if (rt_list_empty(&timer->link) || timer->due > tick) continue;
    rt_timer_remove(timer);
    f->passed = true;
    t->alert = 1;
  }
}

static bool is_any_passed(const rt_task *t) {
  for (rt_cancel_scope *f = innermost(t); f; f = f->outer)
    if (f->passed) return true;
  return false;
}

static void take_off(rt_task *t, rt_cancel_scope **at) {
  rt_cancel_scope *f = *at;
  *at = f->outer;
  rt_timer_remove(&f->deadline.timer);
  if (f->waiter) {
    rt_waiter_withdraw(f->waiter);
    rt_waiter_free(f->waiter);
    rt_shared_drop(f->scope);
  }
  rt_free(f);
  if (t->alert) t->alert = t->cancelled || is_any_passed(t);
}

/* It is the innermost, unless a coroutine has left it open. */
void rt_cancel_scope_close(rt_task *t, uint64_t serial) {
  if (t->more == NULL) return;
  rt_cancel_scope **at = &t->more->cancel_scopes;
  while (*at && (*at)->serial != serial) at = &(*at)->outer;
  if (*at) take_off(t, at);
}

void rt_cancel_scope_close_all(rt_task *t) {
  while (innermost(t)) take_off(t, &t->more->cancel_scopes);
}
