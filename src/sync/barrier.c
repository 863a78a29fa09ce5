#include "sync/barrier.h"

void rt_barrier_free(rt_shared *shared) {
  rt_barrier *b = rt_barrier_of(shared);
  rt_shared_delete(shared, &b->lock);
}

rt_barrier *rt_barrier_new(const rt_shared_kind *kind, int size) {
  rt_barrier *b = rt_shared_new(sizeof *b, offsetof(rt_barrier, lock), kind);
  if (b == NULL) return NULL;
  b->size = size;
  rt_list_init(&b->waiters);
  return b;
}

static void barrier_on_withdraw(rt_waiter *waiter) {
  rt_containerof(waiter->lock, rt_barrier, lock)->waiting--;
}

bool rt_barrier_wait(rt_barrier *b) {
  rt_lock_take(&b->lock);
  bool last = b->waiting + 1 == b->size;
  if (last) {
    b->waiting = 0;
    rt_waiter_call_all(&b->waiters, 0);
  }
  rt_lock_give(&b->lock);
  return last;
}

bool rt_barrier_await(rt_barrier *b, rt_waiter *waiter) {
  rt_lock_take(&b->lock);
  bool waits = b->waiting + 1 < b->size;
  if (waits) {
    waiter->on_withdraw = barrier_on_withdraw;
    b->waiting++;
    rt_waiter_enqueue(waiter, &b->waiters, &b->lock);
  }
  rt_lock_give(&b->lock);
  return waits;
}

int rt_barrier_waiting(rt_barrier *b) {
  rt_lock_take(&b->lock);
  int waiting = b->waiting;
  rt_lock_give(&b->lock);
  return waiting;
}
