/* Calling a waiter against withdrawing it.
**
** Two threads meet at a waiter: one that serves the object's queue and calls it, and its home,
** which resumes the task because the call has arrived, or because of a cancel or a deadline.
**
** The caller, under the object's lock:
**
** C1. removes the waiter from the queue and sets 'called', 'answer' and 'message';
** C2. posts it to the mailbox of its home. After that it does not use the waiter.
**
** Home:
**
** H1. When the post is delivered: sets 'delivered', and wakes the task if it is parked.
** H2. When the task has been resumed: under the object's lock, removes the waiter from the queue
**     and reads 'called' (rt_waiter_withdraw).
** H3. Frees the waiter.
**
** One outcome: C1 and H2 are under one lock. If C1 is first, 'called' is true: the operation has
** happened and counts, even if a cancel or a deadline has resumed the task. If H2 is first, no
** thread finds the waiter in the queue any more: it is never called. So what is handed over is
** neither lost nor received twice. When a parked task is cancelled, H2 is done at once
** (rt_waiter_cancel), and not only when the task runs: what is handed over meanwhile goes to the
** next waiter.
**
** H2 needs no lock if 'delivered' is set (C1 happened before the post), or if the waiter is in no
** queue ('lock' is NULL): then 'called' does not change any more. After H2 the object is not used
** by the waiter; until then the task must keep the object alive.
**
** Freeing: if 'called' is set but the post was not delivered yet, the waiter is linked in the
** mailbox and cannot be freed. H3 then only sets 'abandoned', and H1 frees it.
**
** The mailbox of the home exists when C2 posts: a driver that closes withdraws all its waiters
** first (rt_waiter_free_all), and C2 is under the lock that H2 takes.
**
** Select: its waiters are in queues of several objects, under several locks, but only one of them
** may be called. They share a claim: a caller must first change 'taken' from false to true, and
** only one can. A cancel takes the claim, too, so that no waiter is called after it.
**
** spec/model/channel.c, mutex.c, job.c and select.c check this in all schedules.
*/
#include "event/waiter.h"

enum { MAX_SPARE = RT_SIZE(64, 2) };

static void waiter_recycle(rt_waiter *t) {
  rt_driver *d = t->home;
  if (d->spares < MAX_SPARE) {
    rt_list_append(&d->spare_waiters, &t->home_link);
    d->spares++;
  } else {
    rt_free(t);
  }
}

static void waiter_deliver(rt_post *p, void *driver) {
  rt_waiter *t = rt_containerof(p, rt_waiter, post);
  t->delivered = true;
  if (t->abandoned) {
    waiter_recycle(t);
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
  rt_waiter *t = l ? rt_containerof(l, rt_waiter, home_link) : rt_malloc(sizeof *t);
  if (t == NULL) return NULL;
  if (l) home->spares--;
  memset(t, 0, sizeof *t);
  t->home = home;
  t->post.deliver = waiter_deliver;
  rt_list_init(&t->parked);
  rt_list_init(&t->link);
  rt_list_init(&t->home_link);
  rt_list_append(&home->waiters, &t->home_link);
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

rt_waiter *rt_waiter_next(rt_list *queue) {
  rt_list *l;
  while ((l = rt_list_first(queue)) != NULL) {
    rt_waiter *t = rt_containerof(l, rt_waiter, link);
    if (rt_waiter_claim(t)) return t;
    rt_list_remove(l);
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
  while ((t = rt_waiter_next(queue)) != NULL) rt_waiter_call(t, answer);
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
  if (!called && t->on_withdraw) t->on_withdraw(t);
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
    rt_waiter_withdraw(rt_containerof(l, rt_waiter, home_link));
}

void rt_waiter_free(rt_waiter *t) {
  if (t->message) rt_message_drop(t->message);
  t->message = NULL;
  rt_list_remove(&t->home_link);
  rt_list_remove(&t->parked);
  if (t->called && !t->delivered)
    t->abandoned = true;
  else
    waiter_recycle(t);
}

void rt_waiter_free_all(rt_driver *d) {
  rt_list *l;
  while ((l = rt_list_first(&d->waiters)) != NULL) {
    rt_waiter *t = rt_containerof(l, rt_waiter, home_link);
    rt_waiter_withdraw(t);
    rt_waiter_free(t);
  }
  rt_mailbox_drain(&d->mailbox); /* delivers the posts of abandoned waiters, which frees them */
  while ((l = rt_list_take(&d->spare_waiters)) != NULL)
    rt_free(rt_containerof(l, rt_waiter, home_link));
  d->spares = 0;
}
