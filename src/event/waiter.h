/* event/waiter.h - an entry in the wait queue of an object that several threads share.
**
** A task that has to wait for such an object (a channel, a mutex, a job …) makes a waiter, adds it
** to a queue of the object, under the object's lock, and parks. The thread that serves the queue
** calls the waiter: under the same lock it removes it from the queue, leaves an answer in it, and
** posts it to the mailbox of the task's worker, where it wakes the task. A task that is resumed,
** for whatever reason, withdraws its waiter, also under the lock. Either the waiter was called, and
** the operation has happened; or it was not called, it never will be, and the operation has not
** happened. The full argument is in waiter.c.
**
** Threads: the waiter's thread is that of the driver for whose task the waiter was made. "under the
** lock" is any thread that holds the lock of the object.
*/
#ifndef RT_EVENT_WAITER_H
#define RT_EVENT_WAITER_H

#include "base/message.h"
#include "event/driver.h"

/* Shared by the waiters of one rt.select: only one of them is called. */
typedef struct rt_claim {
  rt_atomic(bool) taken;
} rt_claim;

typedef struct rt_waiter {
  rt_post post;
  /* fixed */
  rt_driver *driver; /* of the task for which it was made */
  rt_claim *claim;   /* NULL: not of a select */
  /* waiter's thread */
  rt_list driver_link;                 /* in the list of waiters of its driver */
  rt_list parked;                      /* the task that waits for it, while the task is parked */
  void (*on_call)(struct rt_waiter *); /* called on delivery, instead of waking a task; or NULL */
  void *owner;    /* for the code that made the waiter: on_call, or the continuation, may use it */
  rt_lock *lock;  /* of the object in whose queue it was put; NULL: none */
  bool delivered; /* its post was delivered */
  bool abandoned; /* rt_waiter_free was called before its post was delivered, which frees it */
  /* under the lock */
  rt_list link;                            /* in the queue of the object */
  bool called;                             /* the operation has happened */
  void (*on_withdraw)(struct rt_waiter *); /* called when it is withdrawn; may call other waiters */
  int want;                                /* what the task asks for; the object defines values */
  int answer;                              /* what the caller replies; the object defines values */
  rt_message *message;                     /* what the task sends, or what it has received */
} rt_waiter;

/* Worker's thread: a waiter for a task of this driver. NULL: no memory. */
rt_waiter *rt_waiter_new(rt_driver *driver);

/* The waiter's thread, under the lock: adds it to the end of a queue. */
void rt_waiter_enqueue(rt_waiter *waiter, rt_list *queue, rt_lock *lock);

/* The waiter's thread: parks the running task until the waiter is called. The caller must suspend
** its coroutine now. */
static inline void rt_waiter_park(rt_waiter *waiter, rt_task *task, rt_op op) {
  rt_task_park(task, op, waiter, &waiter->parked);
  task->wait_kind = RT_WAIT_WAITER;
}

/* The same for all waiters of a claim: on_call of each waiter wakes the task. 'parked' is a list of
** the caller. */
static inline void rt_waiter_park_claim(rt_claim *c, rt_task *task, rt_op op, rt_list *parked) {
  rt_task_park(task, op, c, parked);
  task->wait_kind = RT_WAIT_CLAIM;
}

/* The waiter's thread: the wait of a parked task is cancelled. If it waits for a waiter or a claim,
** none of its waiters is called from now on. */
void rt_waiter_cancel(rt_task *task);

/* Under the lock: the first waiter of the queue that can be called, which the caller then must
** call; NULL: none. Waiters of a select of which another one was called are removed from the
** queue. */
rt_waiter *rt_waiter_next(rt_list *queue);

/* Under the lock: is there a waiter that can be called? A hint, since a waiter of a select may be
** called by another object meanwhile. Waiters of 'except', the claim of the caller, are skipped. */
bool rt_waiter_has_callable(const rt_list *queue, const rt_claim *except);

/* Under the lock: rt_waiter_next in two steps, for an object that has to read 'want' of the waiter
** in between. rt_waiter_first: the first waiter, or NULL. rt_waiter_claim: true: the caller must
** call the waiter; false: it cannot be called, begin again with rt_waiter_first. */
rt_waiter *rt_waiter_first(rt_list *queue);
bool rt_waiter_claim(rt_waiter *waiter);

/* Under the lock: calls a waiter. */
void rt_waiter_call(rt_waiter *waiter, int answer);
/* Under the lock: calls all waiters of a queue that can be called. */
void rt_waiter_call_all(rt_list *queue, int answer);

/* The waiter's thread, without the lock, when the task is resumed. True: the waiter was called;
** false: it was not, and never will be. After this the waiter does not use the object. */
bool rt_waiter_withdraw(rt_waiter *waiter);
/* The driver's thread: withdraws all waiters of the driver's tasks. */
void rt_waiter_withdraw_all(rt_driver *d);

/* The waiter's thread, after rt_waiter_withdraw: frees the waiter, and drops the message that is in
** it. */
void rt_waiter_free(rt_waiter *waiter);

/* The driver's thread: withdraws and frees all waiters of the driver, whose tasks have ended. */
void rt_waiter_free_all(rt_driver *d);

#endif
