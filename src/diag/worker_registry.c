#include "diag/worker_registry.h"

static rt_lock lock = RT_LOCK_INIT;
static rt_list roll = {&roll, &roll};

void rt_worker_registry_add(rt_worker_status *f) {
  rt_thread_info_init(&f->thread_info);
  rt_lock_take(&lock);
  rt_list_append(&roll, &f->link);
  rt_lock_give(&lock);
}

void rt_worker_registry_remove(rt_worker_status *f) {
  rt_lock_take(&lock);
  rt_list_remove(&f->link);
  rt_lock_give(&lock);
}

void rt_worker_registry_set_pools(rt_worker_status *f, const void *runtime,
                                  struct rt_sched *pools[2]) {
  rt_lock_take(&lock);
  f->runtime = runtime;
  for (int i = 0; i < 2; i++) f->pools[i] = pools ? pools[i] : NULL;
  rt_lock_give(&lock);
}

void rt_worker_status_set_cpu_timer(rt_worker_status *f, rt_cpu_timer *tick) {
  rt_lock_take(&lock);
  f->cpu_timer = tick;
  rt_lock_give(&lock);
}

rt_list *rt_worker_registry_lock(void) {
  rt_lock_take(&lock);
  return &roll;
}

void rt_worker_registry_unlock(void) { rt_lock_give(&lock); }
