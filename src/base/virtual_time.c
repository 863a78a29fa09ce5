#include "base/virtual_time.h"

#if RT_DEBUG

#include <unistd.h>

#define STEP (10 * 1000ull) /* ns that a look at the sources takes */

static struct {
  pthread_once_t once;
  rt_lock lock;
  rt_cond passed;
  rt_list vthreads; /* in the order in which they joined */
  rt_vthread *holder;
} baton = {.once = PTHREAD_ONCE_INIT};

static void init(void) {
  if (rt_lock_init(&baton.lock) != 0 || rt_cond_init(&baton.passed) != 0) abort();
  rt_list_init(&baton.vthreads);
}

static rt_vthread *player_of(rt_list *l) { return rt_containerof(l, rt_vthread, link); }

/* The first that 'f' likes, from the one after 'from' on, which comes last. */
static rt_vthread *find_locked(rt_list *from, bool (*f)(rt_vthread *)) {
  rt_list *l = from;
  do {
    l = l->next;
    if (l != &baton.vthreads && f(player_of(l))) return player_of(l);
  } while (l != from);
  return NULL;
}

static bool is_rung(rt_vthread *p) { return rt_load(&p->rung); }
static bool does_watch(rt_vthread *p) { return p->watches; }

static rt_vthread *first_due_locked(void) {
  rt_vthread *first = NULL;
  for (rt_list *l = baton.vthreads.next; l != &baton.vthreads; l = l->next) {
    rt_vthread *p = player_of(l);
    if (p->due != RT_NO_TIME && (first == NULL || p->due < first->due)) first = p;
  }
  return first;
}

/* Somebody outside may ring: another thread, a signal. */
static void let_time_pass_locked(void) {
  rt_lock_give(&baton.lock);
  usleep(1000);
  rt_lock_take(&baton.lock);
}

static rt_vthread *next_locked(rt_vthread *from) {
  for (;;) {
    rt_vthread *p = find_locked(&from->link, is_rung);
    if (p) return p;
    rt_vthread *watcher = find_locked(&from->link, does_watch);
    if (watcher) {
      let_time_pass_locked();
      rt_clock_advance(rt_clock() + RT_MILLISECOND);
      if ((p = find_locked(&from->link, is_rung)) != NULL) return p;
      if ((p = first_due_locked()) != NULL && p->due <= rt_clock()) return p;
      return watcher;
    }
    if ((p = first_due_locked()) != NULL) {
      if (p->due > rt_clock()) rt_clock_advance(p->due);
      return p;
    }
    let_time_pass_locked();
  }
}

static void give_locked(rt_vthread *to) {
  baton.holder = to;
  rt_cond_broadcast(&baton.passed);
}

static void await_locked(rt_vthread *p) {
  while (baton.holder != p) rt_cond_wait(&baton.passed, &baton.lock);
  rt_store(&p->rung, false);
  p->due = RT_NO_TIME;
  p->watches = false;
}

bool rt_vtime_join(rt_vthread *p) {
  if (!rt_clock_is_virtual()) return false;
  pthread_once(&baton.once, init);
  rt_lock_take(&baton.lock);
  rt_store(&p->rung, true);
  p->due = RT_NO_TIME;
  p->watches = false;
  rt_list_append(&baton.vthreads, &p->link);
  if (baton.holder == NULL) baton.holder = p;
  rt_lock_give(&baton.lock);
  return true;
}

void rt_vtime_await(rt_vthread *p) {
  rt_lock_take(&baton.lock);
  await_locked(p);
  rt_lock_give(&baton.lock);
}

void rt_vtime_pass(rt_vthread *p, uint64_t due, bool watches) {
  rt_lock_take(&baton.lock);
  p->due = due;
  p->watches = watches;
  give_locked(next_locked(p));
  await_locked(p);
  rt_lock_give(&baton.lock);
}

void rt_vtime_share(rt_vthread *p) {
  rt_clock_advance(rt_clock() + STEP);
  rt_store(&p->rung, true);
  rt_vtime_pass(p, RT_NO_TIME, false);
}

void rt_vtime_ring(rt_vthread *p) { rt_store(&p->rung, true); }

void rt_vtime_forget(rt_vthread *p) {
  rt_lock_take(&baton.lock);
  rt_list_remove(&p->link);
  rt_lock_give(&baton.lock);
}

void rt_vtime_leave(rt_vthread *p) {
  rt_lock_take(&baton.lock);
  rt_vthread *next = NULL;
  rt_list *after = p->link.next;
  rt_list_remove(&p->link);
  if (!rt_list_empty(&baton.vthreads)) {
    if ((next = find_locked(after->prev, is_rung)) == NULL) next = player_of(baton.vthreads.next);
  }
  give_locked(next); /* with nothing to do it passes it on */
  rt_lock_give(&baton.lock);
}

#endif
