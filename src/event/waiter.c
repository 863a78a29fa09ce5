#include "event/waiter.h"

enum { SPARE = RT_SIZE(64, 2) };

static void put_away(rt_waiter *t) {
  rt_driver *d = t->home;
  if (d->spares < SPARE) {
    rt_list_append(&d->spare_waiters, &t->held);
    d->spares++;
  } else {
    rt_free(t);
  }
}

/* The post has come home. */
static void deliver(rt_post *p, void *driver) {
  rt_waiter *t = rt_containerof(p, rt_waiter, post);
  t->delivered = true;
  if (t->torn) {
    put_away(t);
    return;
  }
  if (t->on_call) {
    t->on_call(t);
    return;
  }
  rt_list *l = rt_list_first(&t->parked);
  if (l) rt_driver_wake(driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

rt_waiter *rt_waiter_new(rt_driver *home) {
  rt_list *l = rt_list_take(&home->spare_waiters);
  rt_waiter *t = l ? rt_containerof(l, rt_waiter, held) : rt_malloc(sizeof *t);
  if (t == NULL) return NULL;
  if (l) home->spares--;
  memset(t, 0, sizeof *t);
  t->home = home;
  t->post.deliver = deliver;
  rt_list_init(&t->parked);
  rt_list_init(&t->link);
  rt_list_init(&t->held);
  rt_list_append(&home->waiters, &t->held);
  return t;
}

void rt_waiter_enqueue(rt_waiter *t, rt_list *queue, rt_lock *lock) {
  t->lock = lock;
  rt_list_append(queue, &t->link);
}

bool rt_waiter_claim(rt_waiter *t) { return t->claim == NULL || !rt_swap(&t->claim->taken, true); }

rt_waiter *rt_waiter_first(rt_list *queue) {
  rt_list *l;
  while ((l = rt_list_first(queue)) != NULL) {
    rt_waiter *t = rt_containerof(l, rt_waiter, link);
    if (t->claim == NULL || !rt_load(&t->claim->taken)) return t;
    rt_list_remove(l);
  }
  return NULL;
}

rt_waiter *rt_waiter_next(rt_list *queue, const rt_claim *except) {
  rt_list *l = queue->next;
  while (l != queue) {
    rt_waiter *t = rt_containerof(l, rt_waiter, link);
    l = l->next;
    if (t->claim != NULL && t->claim == except) continue;
    if (rt_waiter_claim(t)) return t;
    rt_list_remove(&t->link);
  }
  return NULL;
}

bool rt_waiter_any(const rt_list *queue, const rt_claim *except) {
  for (rt_list *l = queue->next; l != queue; l = l->next) {
    rt_waiter *t = rt_containerof(l, rt_waiter, link);
    if (t->claim == NULL || (t->claim != except && !rt_load(&t->claim->taken))) return true;
  }
  return false;
}

void rt_waiter_call_all(rt_list *queue, int answer) {
  rt_waiter *t;
  while ((t = rt_waiter_next(queue, NULL)) != NULL) rt_waiter_call(t, answer);
}

void rt_waiter_call(rt_waiter *t, int answer) {
  rt_list_remove(&t->link);
  t->called = true;
  t->answer = answer;
  rt_mailbox_post(&t->home->mailbox, &t->post);
}

bool rt_waiter_withdraw(rt_waiter *t) {
  if (t->delivered || t->lock == NULL) return t->called;
  rt_lock *lock = t->lock;
  rt_lock_take(lock);
  rt_list_remove(&t->link);
  bool called = t->called;
  if (!called && t->on_leave) t->on_leave(t);
  t->lock = NULL;
  rt_lock_give(lock);
  return called;
}

void rt_waiter_cancel(rt_task *task) {
  rt_claim *claim = task->waits_on;
  if (task->wait_kind == RT_WAIT_WAITER)
    rt_waiter_withdraw(task->waits_on);
  else if (task->wait_kind == RT_WAIT_CLAIM)
    rt_swap(&claim->taken, true);
}

void rt_waiter_withdraw_all(rt_driver *d) {
  for (rt_list *l = d->waiters.next; l != &d->waiters; l = l->next)
    rt_waiter_withdraw(rt_containerof(l, rt_waiter, held));
}

void rt_waiter_free(rt_waiter *t) {
  if (t->message) rt_message_drop(t->message);
  t->message = NULL;
  rt_list_remove(&t->held);
  rt_list_remove(&t->parked);
  if (t->called && !t->delivered)
    t->torn = true;
  else
    put_away(t);
}

void rt_waiter_free_all(rt_driver *d) {
  rt_list *l;
  while ((l = rt_list_first(&d->waiters)) != NULL) {
    rt_waiter *t = rt_containerof(l, rt_waiter, held);
    rt_waiter_withdraw(t);
    rt_waiter_free(t);
  }
  rt_mailbox_drain(&d->mailbox); /* those that were called and are torn come home */
  while ((l = rt_list_take(&d->spare_waiters)) != NULL) rt_free(rt_containerof(l, rt_waiter, held));
  d->spares = 0;
}
