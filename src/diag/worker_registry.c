#include "diag/worker_registry.h"

static rt_lock lock = RT_LOCK_INIT;
static rt_list roll = {&roll, &roll};

void rt_roll_enter(rt_face *f) {
  rt_pulse_take(&f->pulse);
  rt_lock_take(&lock);
  rt_list_append(&roll, &f->link);
  rt_lock_give(&lock);
}

void rt_roll_leave(rt_face *f) {
  rt_lock_take(&lock);
  rt_list_remove(&f->link);
  rt_lock_give(&lock);
}

void rt_roll_open(rt_face *f, const void *runtime, struct rt_sched *pools[2]) {
  rt_lock_take(&lock);
  f->runtime = runtime;
  for (int i = 0; i < 2; i++) f->pools[i] = pools ? pools[i] : NULL;
  rt_lock_give(&lock);
}

void rt_face_set_tick(rt_face *f, rt_tick *tick) {
  rt_lock_take(&lock);
  f->tick = tick;
  rt_lock_give(&lock);
}

rt_list *rt_roll_take(void) {
  rt_lock_take(&lock);
  return &roll;
}

void rt_roll_give(void) { rt_lock_give(&lock); }
