/* sync/semaphore.h - permits that tasks of any workers take and give.
**
** In the order in which they come: one that wants many is not overtaken by those behind it
** that want few.  Whom the permits belong to is not known here.
*/
#ifndef RT_SYNC_SEMAPHORE_H
#define RT_SYNC_SEMAPHORE_H

#include "event/waiter.h"

#define RT_SEMAPHORE_MAX ((int64_t)1 << 53)

typedef struct rt_semaphore {
  rt_shared shared;
  /* under lock */
  rt_lock lock;
  int64_t permits;
  int waiting;
  rt_list waiters; /* waiters, with what they want */
} rt_semaphore;

void rt_semaphore_free(rt_shared *t); /* of its kind */

rt_semaphore *rt_semaphore_new(const rt_shared_kind *kind, int64_t permits); /* NULL: no memory */
static inline rt_semaphore *rt_semaphore_of(rt_shared *t) {
  return rt_containerof(t, rt_semaphore, shared);
}

/* any thread.  true: they are the caller's; false: the waiter, if there is one, is in the queue,
** and when it is called, they are its task's. */
bool rt_semaphore_acquire(rt_semaphore *s, int n, rt_waiter *t);

/* … for a select: true: the waiter is in the queue; false: another attempt is worth it. */
bool rt_semaphore_await(rt_semaphore *s, int n, rt_waiter *t);

/* any thread.  false: that would be more than there can be */
bool rt_semaphore_release(rt_semaphore *s, int64_t n);

int64_t rt_semaphore_permits(rt_semaphore *s, int *waiting);

#endif
