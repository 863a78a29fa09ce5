/* sync/notify.h - waking tasks of any workers, without a value.
**
** One that is meant for one waiter, and finds none, is remembered for the next who comes;
** so whoever first looks and then waits misses nothing.  Only one is remembered: where several
** wait for work, who takes some and sees more passes that on.
*/
#ifndef RT_NOTIFY_H
#define RT_NOTIFY_H

#include "event/waiter.h"

typedef struct rt_notify {
  rt_thing thing;
  /* under lock */
  rt_lock lock;
  bool remembered;
  int waiting;
  rt_list waiters; /* tickets */
} rt_notify;

void rt_notify_free(rt_thing *t); /* of its kind */

rt_notify *rt_notify_new(const rt_thing_kind *kind); /* NULL: no memory */
static inline rt_notify *rt_notify_of(rt_thing *t) { return rt_containerof(t, rt_notify, thing); }

/* any thread.  true: it has been notified; false: the ticket, if there is one, is in the queue. */
bool rt_notify_wait(rt_notify *n, rt_ticket *t);

/* … for a select: true: the ticket is in the queue; false: another attempt is worth it. */
bool rt_notify_await(rt_notify *n, rt_ticket *t);

void rt_notify_one(rt_notify *n);
/* Those who wait now; nothing is remembered. */
void rt_notify_all(rt_notify *n);

/* How many wait; -1: nobody, and a notification is remembered */
int rt_notify_look(rt_notify *n);

#endif
