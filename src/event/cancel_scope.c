#include "event/cancel_scope.h"

static rt_frame *innermost(const rt_task *t) { return t->more ? t->more->frames : NULL; }

rt_verdict rt_frame_verdict(const rt_task *t, rt_frame **which) {
  rt_frame *hit = NULL, *f = innermost(t);
  for (; f && !(f->shield && !f->passed); f = f->outer)
    if (f->passed && !f->shield) hit = f;
  if (f == NULL && t->cancelled) return RT_TASK_CANCELLED;
  *which = hit;
  return hit ? RT_FRAME_PASSED : RT_GO_ON;
}

void rt_frame_tell(rt_task *t, rt_driver *d) {
  rt_frame *which;
  t->alert = 1;
  if (t->phase != RT_WAITING || rt_frame_verdict(t, &which) == RT_GO_ON) return;
  rt_ticket_call_off(t);
  rt_driver_wake(d, t, RT_WITHDRAWN);
}

void rt_frame_pass(rt_frame *f) {
  f->passed = true;
  rt_frame_tell(f->task, f->driver);
}

static void on_deadline(rt_timeout *timeout) {
  rt_frame_pass(rt_containerof(timeout, rt_frame, deadline));
}

rt_frame *rt_frame_open(rt_task *t, rt_driver *d, uint64_t due, bool shield) {
  rt_more *more = rt_task_more(t);
  rt_frame *f = more ? rt_calloc(sizeof *f) : NULL;
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
  f->outer = more->frames;
  more->frames = f;
  return f;
}

bool rt_frame_is_critical(const rt_task *t) {
  rt_frame *f = innermost(t);
  while (f && !f->critical) f = f->ticket ? f->outer->outer : f->outer;
  return f != NULL;
}

void rt_frame_look(rt_task *t, uint64_t tick) {
  for (rt_frame *f = innermost(t); f; f = f->outer) {
    rt_timer *timer = &f->deadline.timer;
    if (rt_list_empty(&timer->link) || timer->due > tick) continue;
    rt_timer_remove(timer);
    f->passed = true;
    t->alert = 1;
  }
}

static bool is_any_passed(const rt_task *t) {
  for (rt_frame *f = innermost(t); f; f = f->outer)
    if (f->passed) return true;
  return false;
}

static void take_off(rt_task *t, rt_frame **at) {
  rt_frame *f = *at;
  *at = f->outer;
  rt_timer_remove(&f->deadline.timer);
  if (f->ticket) {
    rt_ticket_withdraw(f->ticket);
    rt_ticket_tear(f->ticket);
    rt_thing_drop(f->scope);
  }
  rt_free(f);
  if (t->alert) t->alert = t->cancelled || is_any_passed(t);
}

/* It is the innermost, unless a coroutine has left it open. */
void rt_frame_close(rt_task *t, uint64_t serial) {
  if (t->more == NULL) return;
  rt_frame **at = &t->more->frames;
  while (*at && (*at)->serial != serial) at = &(*at)->outer;
  if (*at) take_off(t, at);
}

void rt_frame_close_all(rt_task *t) {
  while (innermost(t)) take_off(t, &t->more->frames);
}
