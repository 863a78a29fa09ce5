#include "sync/notify.h"

void rt_notify_free(rt_shared *shared) {
  rt_notify *n = rt_notify_of(shared);
  rt_shared_delete(shared, &n->lock);
}

rt_notify *rt_notify_new(const rt_shared_kind *kind) {
  rt_notify *n = rt_shared_new(sizeof *n, offsetof(rt_notify, lock), kind);
  if (n == NULL) return NULL;
  rt_list_init(&n->waiters);
  return n;
}

static void notify_on_withdraw(rt_waiter *waiter) {
  rt_containerof(waiter->lock, rt_notify, lock)->waiting--;
}

bool rt_notify_take(rt_notify *n) {
  rt_lock_take(&n->lock);
  bool notified = n->remembered;
  n->remembered = false;
  rt_lock_give(&n->lock);
  return notified;
}

bool rt_notify_await(rt_notify *n, rt_waiter *waiter) {
  rt_lock_take(&n->lock);
  bool waits = !n->remembered;
  if (waits) {
    waiter->on_withdraw = notify_on_withdraw;
    n->waiting++;
    rt_waiter_enqueue(waiter, &n->waiters, &n->lock);
  }
  rt_lock_give(&n->lock);
  return waits;
}

static bool call_first_locked(rt_notify *n) {
  rt_waiter *waiter = rt_waiter_next(&n->waiters);
  if (waiter == NULL) return false;
  n->waiting--;
  rt_waiter_call(waiter, 0);
  return true;
}

void rt_notify_one(rt_notify *n) {
  rt_lock_take(&n->lock);
  if (!call_first_locked(n)) n->remembered = true;
  rt_lock_give(&n->lock);
}

void rt_notify_all(rt_notify *n) {
  rt_lock_take(&n->lock);
  while (call_first_locked(n)) continue;
  rt_lock_give(&n->lock);
}

int rt_notify_inspect(rt_notify *n) {
  rt_lock_take(&n->lock);
  int waiting = n->remembered ? -1 : n->waiting;
  rt_lock_give(&n->lock);
  return waiting;
}
