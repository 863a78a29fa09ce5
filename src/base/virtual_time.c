#include "base/virtual_time.h"

#if RT_DEBUG

#include <unistd.h>

#define STEP (10 * 1000ull) /* ns that a look at the sources takes */

static struct {
  pthread_once_t once;
  rt_lock lock;
  rt_cond passed;
  rt_list players; /* in the order in which they joined */
  rt_player *holder;
} baton = {.once = PTHREAD_ONCE_INIT};

static void init(void) {
  if (rt_lock_init(&baton.lock) != 0 || rt_cond_init(&baton.passed) != 0) abort();
  rt_list_init(&baton.players);
}

static rt_player *player_of(rt_list *l) { return rt_containerof(l, rt_player, link); }

/* The first that 'f' likes, from the one after 'from' on, which comes last. */
static rt_player *find_locked(rt_list *from, bool (*f)(rt_player *)) {
  rt_list *l = from;
  do {
    l = l->next;
    if (l != &baton.players && f(player_of(l))) return player_of(l);
  } while (l != from);
  return NULL;
}

static bool is_rung(rt_player *p) { return rt_load(&p->rung); }
static bool does_watch(rt_player *p) { return p->watches; }

static rt_player *first_due_locked(void) {
  rt_player *first = NULL;
  for (rt_list *l = baton.players.next; l != &baton.players; l = l->next) {
    rt_player *p = player_of(l);
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

static rt_player *next_locked(rt_player *from) {
  for (;;) {
    rt_player *p = find_locked(&from->link, is_rung);
    if (p) return p;
    rt_player *watcher = find_locked(&from->link, does_watch);
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

static void give_locked(rt_player *to) {
  baton.holder = to;
  rt_cond_broadcast(&baton.passed);
}

static void await_locked(rt_player *p) {
  while (baton.holder != p) rt_cond_wait(&baton.passed, &baton.lock);
  rt_store(&p->rung, false);
  p->due = RT_NO_TIME;
  p->watches = false;
}

bool rt_baton_join(rt_player *p) {
  if (!rt_clock_is_virtual()) return false;
  pthread_once(&baton.once, init);
  rt_lock_take(&baton.lock);
  rt_store(&p->rung, true);
  p->due = RT_NO_TIME;
  p->watches = false;
  rt_list_append(&baton.players, &p->link);
  if (baton.holder == NULL) baton.holder = p;
  rt_lock_give(&baton.lock);
  return true;
}

void rt_baton_await(rt_player *p) {
  rt_lock_take(&baton.lock);
  await_locked(p);
  rt_lock_give(&baton.lock);
}

void rt_baton_pass(rt_player *p, uint64_t due, bool watches) {
  rt_lock_take(&baton.lock);
  p->due = due;
  p->watches = watches;
  give_locked(next_locked(p));
  await_locked(p);
  rt_lock_give(&baton.lock);
}

void rt_baton_share(rt_player *p) {
  rt_clock_advance(rt_clock() + STEP);
  rt_store(&p->rung, true);
  rt_baton_pass(p, RT_NO_TIME, false);
}

void rt_baton_ring(rt_player *p) { rt_store(&p->rung, true); }

void rt_baton_forget(rt_player *p) {
  rt_lock_take(&baton.lock);
  rt_list_remove(&p->link);
  rt_lock_give(&baton.lock);
}

void rt_baton_leave(rt_player *p) {
  rt_lock_take(&baton.lock);
  rt_player *next = NULL;
  rt_list *after = p->link.next;
  rt_list_remove(&p->link);
  if (!rt_list_empty(&baton.players)) {
    if ((next = find_locked(after->prev, is_rung)) == NULL) next = player_of(baton.players.next);
  }
  give_locked(next); /* with nothing to do it passes it on */
  rt_lock_give(&baton.lock);
}

#endif
