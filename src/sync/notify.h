/* sync/notify.h - waking tasks of any workers, without a value.
**
** One that is meant for one waiter, and finds none, is remembered for the next who comes;
** so whoever first looks and then waits misses nothing.  Only one is remembered: where several
** wait for work, who takes some and sees more passes that on.
*/
#ifndef RT_SYNC_NOTIFY_H
#define RT_SYNC_NOTIFY_H

#include "event/waiter.h"

typedef struct rt_notify {
  rt_shared shared;
  /* under lock */
  rt_lock lock;
  bool remembered;
  int waiting;
  rt_list waiters; /* waiters */
} rt_notify;

void rt_notify_free(rt_shared *t); /* of its kind */

rt_notify *rt_notify_new(const rt_shared_kind *kind); /* NULL: no memory */
static inline rt_notify *rt_notify_of(rt_shared *t) { return rt_containerof(t, rt_notify, shared); }

/* any thread.  true: it has been notified; false: the waiter, if there is one, is in the queue. */
bool rt_notify_wait(rt_notify *n, rt_waiter *t);

/* … for a select: true: the waiter is in the queue; false: another attempt is worth it. */
bool rt_notify_await(rt_notify *n, rt_waiter *t);

void rt_notify_one(rt_notify *n);
/* Those who wait now; nothing is remembered. */
void rt_notify_all(rt_notify *n);

/* How many wait; -1: nobody, and a notification is remembered */
int rt_notify_inspect(rt_notify *n);

#endif
