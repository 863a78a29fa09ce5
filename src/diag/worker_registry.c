#include "diag/worker_registry.h"

#include "base/fork.h"

static rt_lock registry_lock = RT_LOCK_INIT;
static rt_list registered = {&registered, &registered};

/* --- fork: no worker is added or removed meanwhile -------------------------------------------- */
static pthread_once_t watched = PTHREAD_ONCE_INIT;

static void before_fork(void) { rt_lock_take(&registry_lock); }
static void after_fork(void) { rt_lock_give(&registry_lock); }

/* The thread that has forked is the only one. */
static void in_child(void) {
  rt_worker_status *s;
  rt_fork_note_child();
  rt_worker_registry_each(s, &registered) s->on_forked(s);
  rt_lock_give(&registry_lock);
}

/* (If memory is lacking for that, a child is not noticed.) */
static void watch_fork(void) { rt_fork_watch(before_fork, after_fork, in_child); }

void rt_worker_registry_add(rt_worker_status *s) {
  rt_thread_info_init(&s->thread_info);
  pthread_once(&watched, watch_fork);
  rt_lock_take(&registry_lock);
  rt_list_append(&registered, &s->link);
  s->registered = true;
  rt_lock_give(&registry_lock);
}

void rt_worker_registry_remove(rt_worker_status *s) {
  rt_lock_take(&registry_lock);
  rt_list_remove(&s->link);
  s->registered = false;
  rt_lock_give(&registry_lock);
}

void rt_worker_registry_set_pools(rt_worker_status *s, const void *runtime,
                                  struct rt_sched *pools[2]) {
  rt_lock_take(&registry_lock);
  s->runtime = runtime;
  for (int i = 0; i < 2; i++) s->pools[i] = pools ? pools[i] : NULL;
  rt_lock_give(&registry_lock);
}

void rt_worker_status_set_cpu_timer(rt_worker_status *s, rt_cpu_timer *timer) {
  rt_lock_take(&registry_lock);
  s->cpu_timer = timer;
  rt_lock_give(&registry_lock);
}

rt_list *rt_worker_registry_lock(void) {
  rt_lock_take(&registry_lock);
  return &registered;
}

void rt_worker_registry_unlock(void) { rt_lock_give(&registry_lock); }
