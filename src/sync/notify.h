/* sync/notify.h - wakes tasks of any workers, without a value.
**
** A notification for one task that finds no task waiting is remembered for the next one that waits.
** So a task that checks a condition and then waits misses no notification that was sent in between.
** Only one is remembered: where several tasks wait for work items, a task that takes one and sees
** more has to notify the next task.
*/
#ifndef RT_SYNC_NOTIFY_H
#define RT_SYNC_NOTIFY_H

#include "event/waiter.h"

typedef struct rt_notify {
  rt_shared shared;
  /* under the lock */
  rt_lock lock;
  bool remembered; /* a notification for the next task that waits; then no task waits */
  int waiting;     /* length of 'waiters' */
  rt_list waiters;
} rt_notify;

/* Any thread: the 'free' of a notify's kind. */
void rt_notify_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
rt_notify *rt_notify_new(const rt_shared_kind *kind);
static inline rt_notify *rt_notify_of(rt_shared *shared) {
  return rt_containerof(shared, rt_notify, shared);
}

/* Any thread. True: a notification was remembered, and is used up. False: there was none. */
bool rt_notify_take(rt_notify *n);

/* The waiter's thread. True: the waiter is in the queue. False: nothing was done, and another
** attempt is worth it. */
bool rt_notify_await(rt_notify *n, rt_waiter *waiter);

/* Any thread. Calls the first waiter, or remembers the notification. */
void rt_notify_one(rt_notify *n);
/* Any thread. Calls all waiters; if there is none, nothing is remembered. */
void rt_notify_all(rt_notify *n);

/* Any thread, for display: how many tasks wait; -1: none, and a notification is remembered. */
int rt_notify_inspect(rt_notify *n);

#endif
