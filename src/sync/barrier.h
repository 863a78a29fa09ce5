/* sync/barrier.h - so many tasks of any workers wait until all of them have come.
**
** The last one to come lets the others go, and the next round begins.  One that gives up
** waiting has not come.  (A waiter of a select cannot wait here: who comes last must know
** that all the others will go on.)
*/
#ifndef RT_SYNC_BARRIER_H
#define RT_SYNC_BARRIER_H

#include "event/waiter.h"

typedef struct rt_barrier {
  rt_shared shared;
  /* fixed */
  int size;
  /* under lock */
  rt_lock lock;
  int waiting;
  rt_list waiters; /* waiters */
} rt_barrier;

void rt_barrier_free(rt_shared *t); /* of its kind */

rt_barrier *rt_barrier_new(const rt_shared_kind *kind, int size); /* NULL: no memory */
static inline rt_barrier *rt_barrier_of(rt_shared *t) {
  return rt_containerof(t, rt_barrier, shared);
}

/* any thread.  true: it was the last to come; false: the waiter, if there is one, waits for
** that. */
bool rt_barrier_wait(rt_barrier *b, rt_waiter *t);

int rt_barrier_waiting(rt_barrier *b);

#endif
