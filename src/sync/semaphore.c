/* Hand-off. A release subtracts the permits of each waiter that it calls, under the lock, so a task
** that comes in between cannot take them; and a task acquires directly only if no task waits. If
** the first waiter wants more than there are, the later ones wait, too, so it gets its permits at
** last. When a waiter is withdrawn, the ones behind it may want few enough: they are served then
** (semaphore_on_withdraw). spec/model/semaphore.c checks this.
*/
#include "sync/semaphore.h"

void rt_semaphore_free(rt_shared *shared) {
  rt_semaphore *s = rt_semaphore_of(shared);
  rt_shared_delete(shared, &s->lock);
}

rt_semaphore *rt_semaphore_new(const rt_shared_kind *kind, int64_t permits, int64_t size) {
  rt_semaphore *s = rt_shared_new(sizeof *s, offsetof(rt_semaphore, lock), kind);
  if (s == NULL) return NULL;
  s->permits = permits;
  s->size = size;
  rt_list_init(&s->waiters);
  return s;
}

/* The waiter that can be served next; NULL: none. If the first waiter wants too many and belongs to
** a select, the waiters of the same select right behind it may be served: a select that asks for
** two different numbers does not block itself. */
static rt_waiter *next_waiter_locked(rt_semaphore *s) {
  rt_waiter *head = rt_waiter_first(&s->waiters);
  if (head == NULL || head->want <= s->permits) return head;
  for (rt_list *l = head->link.next; head->claim != NULL && l != &s->waiters; l = l->next) {
    rt_waiter *waiter = rt_containerof(l, rt_waiter, link);
    if (waiter->claim != head->claim) break;
    if (waiter->want <= s->permits) return waiter;
  }
  return NULL;
}

static void serve_waiters_locked(rt_semaphore *s) {
  rt_waiter *waiter;
  while ((waiter = next_waiter_locked(s)) != NULL) {
    if (!rt_waiter_claim(waiter)) continue;
    s->permits -= waiter->want;
    s->waiting--;
    rt_waiter_call(waiter, 0);
  }
}

/* A waiter was withdrawn. */
static void semaphore_on_withdraw(rt_waiter *waiter) {
  rt_semaphore *s = rt_containerof(waiter->lock, rt_semaphore, lock);
  s->waiting--;
  serve_waiters_locked(s);
}

static bool can_acquire_locked(rt_semaphore *s, int n) {
  return rt_waiter_first(&s->waiters) == NULL && n <= s->permits;
}

static void semaphore_enqueue_locked(rt_semaphore *s, int n, rt_waiter *waiter) {
  waiter->want = n;
  waiter->on_withdraw = semaphore_on_withdraw;
  s->waiting++;
  rt_waiter_enqueue(waiter, &s->waiters, &s->lock);
}

bool rt_semaphore_acquire(rt_semaphore *s, int n) {
  rt_lock_take(&s->lock);
  bool done = can_acquire_locked(s, n);
  if (done) s->permits -= n;
  rt_lock_give(&s->lock);
  return done;
}

bool rt_semaphore_await(rt_semaphore *s, int n, rt_waiter *waiter) {
  rt_lock_take(&s->lock);
  bool waits = !can_acquire_locked(s, n);
  if (waits) semaphore_enqueue_locked(s, n, waiter);
  if (waits) serve_waiters_locked(s); /* (perhaps all waiters before it are of its own select) */
  rt_lock_give(&s->lock);
  return waits;
}

bool rt_semaphore_release(rt_semaphore *s, int64_t n) {
  rt_lock_take(&s->lock);
  bool fits = n <= s->size - s->permits;
  if (fits) s->permits += n;
  if (fits) serve_waiters_locked(s);
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
