/* sync/mutex.h - a lock that one task of any worker holds, and the value that it guards.
**
** Whoever gives it back hands it to the one that has waited longest: nobody who comes later
** gets in between, and nobody who has given up waiting gets it.  It belongs to a task, and
** comes back with the end of that task at the latest.
**
** It can be settled: then the value is final, and nobody waits for the lock any more.
*/
#ifndef RT_SYNC_MUTEX_H
#define RT_SYNC_MUTEX_H

#include "event/waiter.h"

typedef struct rt_mutex {
  rt_shared shared;
  /* under lock */
  rt_lock lock;
  bool locked; /* somebody holds it, or is about to hear that it does */
  bool settled;
  uint64_t holder; /* one more than the id of its task; 0: nobody, or it is on its way to it */
  uint64_t serial; /* of the present locking */
  int waiting;
  rt_list waiters; /* waiters */
  /* who holds it */
  rt_held_lock held;
  rt_message *value; /* NULL: nil; fixed once it is settled */
} rt_mutex;

/* What became of an attempt; of a waiter, what it is called with. */
typedef enum rt_mutex_result {
  RT_MUTEX_DONE,
  RT_MUTEX_SETTLED,
  RT_MUTEX_WAITS,       /* the waiter is in the queue; or, without one, it would have to wait */
  RT_MUTEX_ALREADY_HELD /* the task holds it already, and would wait for itself */
} rt_mutex_result;

void rt_mutex_free(rt_shared *t); /* of its kind */

rt_mutex *rt_mutex_new(const rt_shared_kind *kind, rt_message *value); /* NULL: no memory */
static inline rt_mutex *rt_mutex_of(rt_shared *t) { return rt_containerof(t, rt_mutex, shared); }

/* Home of the task, which has a 'more'.  DONE: it holds the mutex. */
rt_mutex_result rt_mutex_lock(rt_mutex *m, rt_task *task, rt_waiter *t);
/* … for a select: true: the waiter is in the queue; false: another attempt is worth it. */
bool rt_mutex_await(rt_mutex *m, rt_waiter *t);
/* … and so it does if its waiter was called DONE and it has said so. */
void rt_mutex_accept(rt_mutex *m, rt_task *task);

/* Home of the task.  false: it does not hold it, or this is not that locking any more. */
bool rt_mutex_unlock(rt_mutex *m, const rt_task *task);
bool rt_mutex_unlock_serial(rt_mutex *m, uint64_t serial);
bool rt_mutex_is_held(rt_mutex *m, uint64_t serial);

/* Who holds it: another value; NULL is nil. */
void rt_mutex_set(rt_mutex *m, rt_message *value);
/* Who holds it: the final value, and all who wait may go on.  It holds it no more. */
void rt_mutex_settle(rt_mutex *m, rt_message *value);
bool rt_mutex_settled(rt_mutex *m);

/* For those who look: the id of the task that holds it, -1: nobody, -2: it is on its way */
int64_t rt_mutex_inspect(rt_mutex *m, int *waiting);

#endif
