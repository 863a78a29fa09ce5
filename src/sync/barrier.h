/* sync/barrier.h - a fixed number of tasks of any workers wait until all of them have arrived.
**
** The last task that arrives calls the others, and the barrier starts over. A task that stops
** waiting has not arrived. (A select cannot wait here: when the last task arrives, all the tasks
** that wait must be resumed by the barrier, but a select may be decided by another operation.)
*/
#ifndef RT_SYNC_BARRIER_H
#define RT_SYNC_BARRIER_H

#include "event/waiter.h"

typedef struct rt_barrier {
  rt_shared shared;
  /* fixed */
  int size; /* tasks */
  /* under the lock */
  rt_lock lock;
  int waiting; /* length of 'waiters'; less than size */
  rt_list waiters;
} rt_barrier;

/* Any thread: the 'free' of a barrier's kind. */
void rt_barrier_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
rt_barrier *rt_barrier_new(const rt_shared_kind *kind, int size);
static inline rt_barrier *rt_barrier_of(rt_shared *shared) {
  return rt_containerof(shared, rt_barrier, shared);
}

/* Any thread. True: the task is the last one, and the others have been called. False: it is not,
** and nothing has changed. */
bool rt_barrier_wait(rt_barrier *b);

/* The waiter's thread. True: the waiter counts, and is in the queue. False: its task would be the
** last one, so another attempt is worth it. */
bool rt_barrier_await(rt_barrier *b, rt_waiter *waiter);

/* Any thread, for display: how many tasks wait. */
int rt_barrier_waiting(rt_barrier *b);

#endif
