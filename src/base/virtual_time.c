#include "base/virtual_time.h"

#if RT_DEBUG

#include <unistd.h>

#define STEP (10 * 1000ull) /* ns of virtual time that a poll takes */

static struct {
  pthread_once_t once;
  rt_lock lock;
  rt_cond switched;
  rt_list vthreads; /* in the order in which they joined */
  rt_vthread *running;
} vtime = {.once = PTHREAD_ONCE_INIT};

static void vtime_init(void) {
  if (rt_lock_init(&vtime.lock) != 0 || rt_cond_init(&vtime.switched) != 0) abort();
  rt_list_init(&vtime.vthreads);
}

static rt_vthread *vthread_of(rt_list *l) { return rt_containerof(l, rt_vthread, link); }

/* The first thread for which f is true, beginning after 'from' and ending with it; or NULL. */
static rt_vthread *find_locked(rt_list *from, bool (*f)(rt_vthread *)) {
  rt_list *l = from;
  do {
    l = l->next;
    if (l != &vtime.vthreads && f(vthread_of(l))) return vthread_of(l);
  } while (l != from);
  return NULL;
}

static bool is_woken(rt_vthread *vthread) { return rt_load(&vthread->woken); }
static bool is_waiting_for_os(rt_vthread *vthread) { return vthread->needs_os; }

static rt_vthread *first_due_locked(void) {
  rt_vthread *first = NULL;
  for (rt_list *l = vtime.vthreads.next; l != &vtime.vthreads; l = l->next) {
    rt_vthread *vthread = vthread_of(l);
    if (vthread->due != RT_NO_TIME && (first == NULL || vthread->due < first->due)) first = vthread;
  }
  return first;
}

/* Real time passes: a thread outside of virtual time, or a signal, may wake one. */
static void sleep_locked(void) {
  rt_lock_give(&vtime.lock);
  usleep(1000);
  rt_lock_take(&vtime.lock);
}

/* Which thread runs next. */
static rt_vthread *next_vthread_locked(rt_vthread *from) {
  for (;;) {
    rt_vthread *vthread = find_locked(&from->link, is_woken);
    if (vthread) return vthread;
    rt_vthread *waits = find_locked(&from->link, is_waiting_for_os);
    if (waits) {
      sleep_locked();
      rt_clock_advance(rt_clock() + RT_MILLISECOND);
      if ((vthread = find_locked(&from->link, is_woken)) != NULL) return vthread;
      if ((vthread = first_due_locked()) != NULL && vthread->due <= rt_clock()) return vthread;
      return waits;
    }
    if ((vthread = first_due_locked()) != NULL) {
      if (vthread->due > rt_clock()) rt_clock_advance(vthread->due);
      return vthread;
    }
    sleep_locked();
  }
}

static void run_locked(rt_vthread *to) {
  vtime.running = to;
  rt_cond_broadcast(&vtime.switched);
}

static void await_run_locked(rt_vthread *vthread) {
  while (vtime.running != vthread) rt_cond_wait(&vtime.switched, &vtime.lock);
  rt_store(&vthread->woken, false);
  vthread->due = RT_NO_TIME;
  vthread->needs_os = false;
}

bool rt_vtime_join(rt_vthread *vthread) {
  if (!rt_clock_is_virtual()) return false;
  pthread_once(&vtime.once, vtime_init);
  rt_lock_take(&vtime.lock);
  rt_store(&vthread->woken, true);
  vthread->due = RT_NO_TIME;
  vthread->needs_os = false;
  rt_list_append(&vtime.vthreads, &vthread->link);
  if (vtime.running == NULL) vtime.running = vthread;
  rt_lock_give(&vtime.lock);
  return true;
}

void rt_vtime_await(rt_vthread *vthread) {
  rt_lock_take(&vtime.lock);
  await_run_locked(vthread);
  rt_lock_give(&vtime.lock);
}

void rt_vtime_block(rt_vthread *vthread, uint64_t due, bool needs_os) {
  rt_lock_take(&vtime.lock);
  vthread->due = due;
  vthread->needs_os = needs_os;
  run_locked(next_vthread_locked(vthread));
  await_run_locked(vthread);
  rt_lock_give(&vtime.lock);
}

void rt_vtime_yield(rt_vthread *vthread) {
  rt_clock_advance(rt_clock() + STEP);
  rt_store(&vthread->woken, true);
  rt_vtime_block(vthread, RT_NO_TIME, false);
}

void rt_vtime_wake(rt_vthread *vthread) { rt_store(&vthread->woken, true); }

void rt_vtime_withdraw(rt_vthread *vthread) {
  rt_lock_take(&vtime.lock);
  rt_list_remove(&vthread->link);
  rt_lock_give(&vtime.lock);
}

void rt_vtime_leave(rt_vthread *vthread) {
  rt_lock_take(&vtime.lock);
  rt_vthread *next = NULL;
  rt_list *after = vthread->link.next;
  rt_list_remove(&vthread->link);
  if (!rt_list_is_empty(&vtime.vthreads)) {
    if ((next = find_locked(after->prev, is_woken)) == NULL) next = vthread_of(vtime.vthreads.next);
  }
  run_locked(next); /* if it has nothing to do, it blocks */
  rt_lock_give(&vtime.lock);
}

#endif
