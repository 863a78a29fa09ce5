/* event/waiter.h - a task's place in the queue of a thing that several threads share.
**
** The task draws a ticket, queues it under the thing's lock and parks.  Whoever serves
** it, on any thread and under that lock, calls the ticket: takes it off the queue, leaves
** with it what it brings, and posts it home, where it wakes the task.  The task, on its
** way on for whatever reason, first withdraws its ticket under the same lock: either it
** was called, then the thing has happened and counts; or it was not, then nobody will
** call it any more and nothing has happened.
*/
#ifndef RT_TICKET_H
#define RT_TICKET_H

#include "event/driver.h"
#include "msg/message.h"

/* Several tickets of one task, of which one may be called: those of an rt.select. */
typedef struct rt_claim {
  rt_atomic(bool) taken;
} rt_claim;

typedef struct rt_ticket {
  rt_post post;
  /* fixed */
  rt_driver *home;
  rt_claim *claim; /* NULL: it is the task's only one */
  /* home */
  rt_list held;                        /* among the tickets of its driver */
  rt_list waiter;                      /* the task, while it is parked */
  void (*on_call)(struct rt_ticket *); /* instead of waking a task; NULL: that */
  void *whose;                         /* for on_call */
  rt_lock *lock;                       /* of the thing in whose queue it is; NULL: not queued */
  bool delivered;
  bool torn; /* its task has gone on; the post is still on its way */
  /* under the thing's lock */
  rt_list link; /* in the thing's queue */
  bool called;
  void (*on_leave)(struct rt_ticket *); /* it is withdrawn without a call; may call others */
  int want;                             /* what the task asks for, and */
  int answer;                           /* what the caller says, as the thing defines them */
  rt_packet *packet;                    /* what the task gives, or what it gets */
} rt_ticket;

/* home: a ticket for a task of this driver; NULL: no memory. */
rt_ticket *rt_ticket_draw(rt_driver *home);

/* home, under the thing's lock: at the end of the queue. */
void rt_ticket_queue(rt_ticket *t, rt_list *queue, rt_lock *lock);

/* home: the task waits until it is called; it must give control back now. */
static inline void rt_ticket_park(rt_ticket *t, rt_task *task, rt_op op) {
  rt_task_park(task, op, t, &t->waiter);
  task->on_what = RT_ON_TICKET;
}
/* The same for several of one claim; the list is whoever made them's. */
static inline void rt_claim_park(rt_claim *c, rt_task *task, rt_op op, rt_list *waiter) {
  rt_task_park(task, op, c, waiter);
  task->on_what = RT_ON_CLAIM;
}

/* home: a task that waits so is called off: what has not happened by now will not. */
void rt_ticket_call_off(rt_task *task);

/* any thread, under the thing's lock: the first ticket of the queue that can be served, which
** then must be; or NULL.  Those whose select has been decided elsewhere leave the queue;
** those of the claim 'except' (the caller's own) are passed over. */
rt_ticket *rt_ticket_next(rt_list *queue, const rt_claim *except);
/* any thread, under the thing's lock: is there one that could be served?  A glance. */
bool rt_ticket_any(const rt_list *queue, const rt_claim *except);
/* The same in two steps, for a thing that cannot serve everybody: the first ticket that nobody
** else has served yet, or NULL; then, whether it still can be (if not, look again). */
rt_ticket *rt_ticket_first(rt_list *queue);
bool rt_ticket_seize(rt_ticket *t);
/* any thread, under the thing's lock: it is served. */
void rt_ticket_call(rt_ticket *t, int answer);
/* The same for all tickets of a queue. */
void rt_ticket_call_all(rt_list *queue, int answer);

/* home: the task goes on.  True: it was called; false: it never will be. */
bool rt_ticket_withdraw(rt_ticket *t);
/* home: all that the driver's tasks hold; the things are not looked at any more. */
void rt_ticket_withdraw_all(rt_driver *d);

/* home, after that: throws it away; a packet that is still with it is dropped. */
void rt_ticket_tear(rt_ticket *t);

/* home: withdraws and tears all that the driver's tasks hold; they have ended. */
void rt_ticket_tear_all(rt_driver *d);

#endif
