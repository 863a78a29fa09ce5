#include "sync/semaphore.h"

void rt_semaphore_free(rt_shared *t) {
  rt_semaphore *s = rt_semaphore_of(t);
  rt_shared_delete(t, &s->lock);
}

rt_semaphore *rt_semaphore_new(const rt_shared_kind *kind, int64_t permits) {
  rt_semaphore *s = rt_shared_new(sizeof *s, offsetof(rt_semaphore, lock), kind);
  if (s == NULL) return NULL;
  s->permits = permits;
  rt_list_init(&s->waiters);
  return s;
}

/* Whose turn it is, if there is enough; NULL: nobody's.  A select that asks for several numbers
** is not in its own way. */
static rt_waiter *next_locked(rt_semaphore *s) {
  rt_waiter *head = rt_waiter_first(&s->waiters);
  if (head == NULL || head->want <= s->permits) return head;
  for (rt_list *l = head->link.next; head->claim != NULL && l != &s->waiters; l = l->next) {
    rt_waiter *t = rt_containerof(l, rt_waiter, link);
    if (t->claim != head->claim) break;
    if (t->want <= s->permits) return t;
  }
  return NULL;
}

static void serve_locked(rt_semaphore *s) {
  rt_waiter *t;
  while ((t = next_locked(s)) != NULL) {
    if (!rt_waiter_claim(t)) continue;
    s->permits -= t->want;
    s->waiting--;
    rt_waiter_call(t, 0);
  }
}

/* Those behind it may want less. */
static void on_leave(rt_waiter *t) {
  rt_semaphore *s = rt_containerof(t->lock, rt_semaphore, lock);
  s->waiting--;
  serve_locked(s);
}

static bool has_locked(rt_semaphore *s, int n) {
  return rt_waiter_first(&s->waiters) == NULL && n <= s->permits;
}

static void queue_locked(rt_semaphore *s, int n, rt_waiter *t) {
  t->want = n;
  t->on_leave = on_leave;
  s->waiting++;
  rt_waiter_enqueue(t, &s->waiters, &s->lock);
}

bool rt_semaphore_acquire(rt_semaphore *s, int n, rt_waiter *t) {
  rt_lock_take(&s->lock);
  bool done = has_locked(s, n);
  if (done)
    s->permits -= n;
  else if (t)
    queue_locked(s, n, t);
  rt_lock_give(&s->lock);
  return done;
}

bool rt_semaphore_await(rt_semaphore *s, int n, rt_waiter *t) {
  rt_lock_take(&s->lock);
  bool waits = !has_locked(s, n);
  if (waits) queue_locked(s, n, t);
  if (waits) serve_locked(s); /* those of its own select may be all that is in its way */
  rt_lock_give(&s->lock);
  return waits;
}

bool rt_semaphore_release(rt_semaphore *s, int64_t n) {
  rt_lock_take(&s->lock);
  bool fits = n <= RT_SEMAPHORE_MAX - s->permits;
  if (fits) s->permits += n;
  if (fits) serve_locked(s);
  rt_lock_give(&s->lock);
  return fits;
}

int64_t rt_semaphore_permits(rt_semaphore *s, int *waiting) {
  rt_lock_take(&s->lock);
  int64_t permits = s->permits;
  *waiting = s->waiting;
  rt_lock_give(&s->lock);
  return permits;
}
