/* event/waiter.h - a task's place in the queue of a thing that several threads share.
**
** The task draws a waiter, queues it under the thing's lock and parks.  Whoever serves
** it, on any thread and under that lock, calls the waiter: takes it off the queue, leaves
** with it what it brings, and posts it home, where it wakes the task.  The task, on its
** way on for whatever reason, first withdraws its waiter under the same lock: either it
** was called, then the thing has happened and counts; or it was not, then nobody will
** call it any more and nothing has happened.
*/
#ifndef RT_EVENT_WAITER_H
#define RT_EVENT_WAITER_H

#include "event/driver.h"
#include "base/message.h"

/* Several waiters of one task, of which one may be called: those of an rt.select. */
typedef struct rt_claim {
  rt_atomic(bool) taken;
} rt_claim;

typedef struct rt_waiter {
  rt_post post;
  /* fixed */
  rt_driver *home;
  rt_claim *claim; /* NULL: it is the task's only one */
  /* home */
  rt_list held;                        /* among the waiters of its driver */
  rt_list parked;                      /* the task, while it is parked */
  void (*on_call)(struct rt_waiter *); /* instead of waking a task; NULL: that */
  void *whose;                         /* for on_call */
  rt_lock *lock;                       /* of the thing in whose queue it is; NULL: not queued */
  bool delivered;
  bool torn; /* its task has gone on; the post is still on its way */
  /* under the thing's lock */
  rt_list link; /* in the thing's queue */
  bool called;
  void (*on_leave)(struct rt_waiter *); /* it is withdrawn without a call; may call others */
  int want;                             /* what the task asks for, and */
  int answer;                           /* what the caller says, as the thing defines them */
  rt_message *message;                  /* what the task gives, or what it gets */
} rt_waiter;

/* home: a waiter for a task of this driver; NULL: no memory. */
rt_waiter *rt_waiter_new(rt_driver *home);

/* home, under the thing's lock: at the end of the queue. */
void rt_waiter_enqueue(rt_waiter *t, rt_list *queue, rt_lock *lock);

/* home: the task waits until it is called; it must give control back now. */
static inline void rt_waiter_park(rt_waiter *t, rt_task *task, rt_op op) {
  rt_task_park(task, op, t, &t->parked);
  task->wait_kind = RT_WAIT_WAITER;
}
/* The same for several of one claim; the list is whoever made them's. */
static inline void rt_claim_park(rt_claim *c, rt_task *task, rt_op op, rt_list *parked) {
  rt_task_park(task, op, c, parked);
  task->wait_kind = RT_WAIT_CLAIM;
}

/* home: a task that waits so is called off: what has not happened by now will not. */
void rt_waiter_cancel(rt_task *task);

/* any thread, under the thing's lock: the first waiter of the queue that can be served, which
** then must be; or NULL.  Those whose select has been decided elsewhere leave the queue;
** those of the claim 'except' (the caller's own) are passed over. */
rt_waiter *rt_waiter_next(rt_list *queue, const rt_claim *except);
/* any thread, under the thing's lock: is there one that could be served?  A glance. */
bool rt_waiter_any(const rt_list *queue, const rt_claim *except);
/* The same in two steps, for a thing that cannot serve everybody: the first waiter that nobody
** else has served yet, or NULL; then, whether it still can be (if not, look again). */
rt_waiter *rt_waiter_first(rt_list *queue);
bool rt_waiter_claim(rt_waiter *t);
/* any thread, under the thing's lock: it is served. */
void rt_waiter_call(rt_waiter *t, int answer);
/* The same for all waiters of a queue. */
void rt_waiter_call_all(rt_list *queue, int answer);

/* home: the task goes on.  True: it was called; false: it never will be. */
bool rt_waiter_withdraw(rt_waiter *t);
/* home: all that the driver's tasks hold; the shared objects are not looked at any more. */
void rt_waiter_withdraw_all(rt_driver *d);

/* home, after that: throws it away; a message that is still with it is dropped. */
void rt_waiter_free(rt_waiter *t);

/* home: withdraws and tears all that the driver's tasks hold; they have ended. */
void rt_waiter_free_all(rt_driver *d);

#endif
