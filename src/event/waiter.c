/* Calling a waiter against withdrawing it.
**
** Two threads meet at a waiter: one that serves the object's queue and calls it, and the waiter's
** thread, which resumes the task because the call has arrived, or because of a cancel or a
** deadline.
**
** The caller, under the object's lock:
**
** C1. removes the waiter from the queue and sets 'called', 'answer' and 'message';
** C2. posts it to the mailbox of its driver. After that it does not use the waiter.
**
** The waiter's thread:
**
** W1. When the post is delivered: sets 'delivered', and wakes the task if it is parked.
** W2. When the task has been resumed: under the object's lock, removes the waiter from the queue
**     and reads 'called' (rt_waiter_withdraw).
** W3. Frees the waiter.
**
** One outcome: C1 and W2 are under one lock. If C1 is first, 'called' is true: the operation has
** happened and counts, even if a cancel or a deadline has resumed the task. If W2 is first, no
** thread finds the waiter in the queue any more: it is never called. So what is handed over is
** neither lost nor received twice. When a parked task is cancelled, W2 is done at once
** (rt_waiter_cancel), and not only when the task runs: what is handed over meanwhile goes to the
** next waiter.
**
** W2 needs no lock if 'delivered' is set (C1 happened before the post), or if the waiter is in no
** queue ('lock' is NULL): then 'called' does not change any more. After W2 the object is not used
** by the waiter; until then the task must keep the object alive.
**
** Freeing: if 'called' is set but the post was not delivered yet, the waiter is linked in the
** mailbox and cannot be freed. W3 then only sets 'abandoned', and W1 frees it.
**
** The mailbox of the driver exists when C2 posts: a driver that closes withdraws all its waiters
** first (rt_waiter_free_all), and C2 is under the lock that W2 takes.
**
** Select: its waiters are in queues of several objects, under several locks, but only one of them
** may be called. They share a claim: a caller must first change 'taken' from false to true, and
** only one can. A cancel takes the claim, too, so that no waiter is called after it.
**
** spec/model/channel.c, mutex.c, job.c and select.c check this in all schedules.
*/
#include "event/waiter.h"

enum { MAX_SPARE = RT_SIZE(64, 2) };

static void waiter_recycle(rt_waiter *waiter) {
  rt_driver *d = waiter->driver;
  rt_assert(!waiter->called || waiter->delivered); /* it is in no mailbox */
  if (d->spares < MAX_SPARE) {
    rt_list_append(&d->spare_waiters, &waiter->driver_link);
    d->spares++;
  } else {
    rt_free(waiter);
  }
}

static void waiter_deliver(rt_post *p, void *driver) {
  rt_waiter *waiter = rt_containerof(p, rt_waiter, post);
  waiter->delivered = true;
  if (waiter->abandoned) {
    waiter_recycle(waiter);
    return;
  }
  if (waiter->on_call) {
    waiter->on_call(waiter);
    return;
  }
  rt_list *l = rt_list_first(&waiter->parked);
  if (l) rt_driver_wake(driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

rt_waiter *rt_waiter_new(rt_driver *driver) {
  rt_list *l = rt_list_take(&driver->spare_waiters);
  rt_waiter *waiter = l ? rt_containerof(l, rt_waiter, driver_link) : rt_malloc(sizeof *waiter);
  if (waiter == NULL) return NULL;
  if (l) driver->spares--;
  memset(waiter, 0, sizeof *waiter);
  waiter->driver = driver;
  waiter->post.deliver = waiter_deliver;
  rt_list_init(&waiter->parked);
  rt_list_init(&waiter->link);
  rt_list_init(&waiter->driver_link);
  rt_list_append(&driver->waiters, &waiter->driver_link);
  return waiter;
}

void rt_waiter_enqueue(rt_waiter *waiter, rt_list *queue, rt_lock *lock) {
  waiter->lock = lock;
  rt_list_append(queue, &waiter->link);
}

bool rt_waiter_claim(rt_waiter *waiter) {
  return waiter->claim == NULL || !rt_swap(&waiter->claim->taken, true);
}

rt_waiter *rt_waiter_first(rt_list *queue) {
  rt_list *l;
  while ((l = rt_list_first(queue)) != NULL) {
    rt_waiter *waiter = rt_containerof(l, rt_waiter, link);
    if (waiter->claim == NULL || !rt_load(&waiter->claim->taken)) return waiter;
    rt_list_remove(l);
  }
  return NULL;
}

rt_waiter *rt_waiter_next(rt_list *queue) {
  rt_list *l;
  while ((l = rt_list_first(queue)) != NULL) {
    rt_waiter *waiter = rt_containerof(l, rt_waiter, link);
    if (rt_waiter_claim(waiter)) return waiter;
    rt_list_remove(l);
  }
  return NULL;
}

bool rt_waiter_has_callable(const rt_list *queue, const rt_claim *except) {
  for (rt_list *l = queue->next; l != queue; l = l->next) {
    rt_waiter *waiter = rt_containerof(l, rt_waiter, link);
    if (waiter->claim == NULL || (waiter->claim != except && !rt_load(&waiter->claim->taken)))
      return true;
  }
  return false;
}

void rt_waiter_call_all(rt_list *queue, int answer) {
  rt_waiter *waiter;
  while ((waiter = rt_waiter_next(queue)) != NULL) rt_waiter_call(waiter, answer);
}

void rt_waiter_call(rt_waiter *waiter, int answer) {
  rt_list_remove(&waiter->link);
  waiter->called = true;
  waiter->answer = answer;
  rt_mailbox_post(&waiter->driver->mailbox, &waiter->post);
}

bool rt_waiter_withdraw(rt_waiter *waiter) {
  if (waiter->delivered || waiter->lock == NULL) return waiter->called;
  rt_lock *lock = waiter->lock;
  rt_lock_take(lock);
  rt_list_remove(&waiter->link);
  bool called = waiter->called;
  if (!called && waiter->on_withdraw) waiter->on_withdraw(waiter);
  waiter->lock = NULL;
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
    rt_waiter_withdraw(rt_containerof(l, rt_waiter, driver_link));
}

void rt_waiter_free(rt_waiter *waiter) {
  if (waiter->message) rt_message_drop(waiter->message);
  waiter->message = NULL;
  rt_list_remove(&waiter->driver_link);
  rt_list_remove(&waiter->parked);
  if (waiter->called && !waiter->delivered)
    waiter->abandoned = true;
  else
    waiter_recycle(waiter);
}

void rt_waiter_free_all(rt_driver *d) {
  rt_list *l;
  while ((l = rt_list_first(&d->waiters)) != NULL) {
    rt_waiter *waiter = rt_containerof(l, rt_waiter, driver_link);
    rt_waiter_withdraw(waiter);
    rt_waiter_free(waiter);
  }
  rt_mailbox_drain(&d->mailbox); /* delivers the posts of abandoned waiters, which frees them */
  while ((l = rt_list_take(&d->spare_waiters)) != NULL)
    rt_free(rt_containerof(l, rt_waiter, driver_link));
  d->spares = 0;
}
