/* sync/barrier.h - so many tasks of any workers wait until all of them have come.
**
** The last one to come lets the others go, and the next round begins.  One that gives up
** waiting has not come.  (A ticket of a select cannot wait here: who comes last must know
** that all the others will go on.)
*/
#ifndef RT_BARRIER_H
#define RT_BARRIER_H

#include "event/waiter.h"

typedef struct rt_barrier {
  rt_thing thing;
  /* fixed */
  int size;
  /* under lock */
  rt_lock lock;
  int waiting;
  rt_list waiters; /* tickets */
} rt_barrier;

void rt_barrier_free(rt_thing *t); /* of its kind */

rt_barrier *rt_barrier_new(const rt_thing_kind *kind, int size); /* NULL: no memory */
static inline rt_barrier *rt_barrier_of(rt_thing *t) {
  return rt_containerof(t, rt_barrier, thing);
}

/* any thread.  true: it was the last to come; false: the ticket, if there is one, waits for
** that. */
bool rt_barrier_wait(rt_barrier *b, rt_ticket *t);

int rt_barrier_waiting(rt_barrier *b);

#endif
