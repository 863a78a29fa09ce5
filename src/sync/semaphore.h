/* sync/semaphore.h - permits that tasks of any workers acquire and release.
**
** Tasks get their permits in the order in which they came: one that wants many is not overtaken by
** later ones that want few. The semaphore only counts; it does not know which task has its permits.
*/
#ifndef RT_SYNC_SEMAPHORE_H
#define RT_SYNC_SEMAPHORE_H

#include "event/waiter.h"

#define RT_SEMAPHORE_MAX ((int64_t)1 << 53) /* permits; exact as a float, too */

typedef struct rt_semaphore {
  rt_shared shared;
  /* fixed */
  int64_t size;
  /* under the lock */
  rt_lock lock;
  int64_t permits; /* available; at most 'size' */
  int waiting;     /* length of 'waiters' */
  rt_list waiters; /* each 'want's a number of permits */
} rt_semaphore;

/* Any thread: the 'free' of a semaphore's kind. */
void rt_semaphore_free(rt_shared *shared);

/* Any thread. 'size' is the number of permits that there are at most. NULL: no memory. */
rt_semaphore *rt_semaphore_new(const rt_shared_kind *kind, int64_t permits, int64_t size);
static inline rt_semaphore *rt_semaphore_of(rt_shared *shared) {
  return rt_containerof(shared, rt_semaphore, shared);
}

/* Any thread. True: the caller has n permits. False: it has none, and would have to wait. */
bool rt_semaphore_acquire(rt_semaphore *s, int n);

/* The waiter's thread. True: the waiter is in the queue (and may have been called); when it is
** called, its task has the permits. False: nothing was done, and another attempt is worth it. */
bool rt_semaphore_await(rt_semaphore *s, int n, rt_waiter *waiter);

/* Any thread. False: there would be more than its size; nothing was done. */
bool rt_semaphore_release(rt_semaphore *s, int64_t n);

/* Any thread: the permits that are available. *waiting: how many tasks wait. */
int64_t rt_semaphore_permits(rt_semaphore *s, int *waiting);

#endif
