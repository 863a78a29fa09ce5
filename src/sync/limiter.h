/* sync/limiter.h - tokens that come at a rate, for tasks of any workers.
**
** A limiter is a bucket of 'burst' tokens, which is full at first. Tokens that were taken come back
** at 'rate'. Tasks get theirs in the order in which they came. While tasks wait, no token is lost:
** a task that gets its tokens late, since timers have a precision of a millisecond, got them when
** they were due, and the next ones are due from then on. So in the long run the rate is exact.
**
** A driver with tasks that wait has a clock: a timer that fires when the first task of all is due.
** Whichever fires first serves the queue. So a worker that is stuck delays no other one.
*/
#ifndef RT_SYNC_LIMITER_H
#define RT_SYNC_LIMITER_H

#include "event/waiter.h"

typedef struct rt_limiter {
  rt_shared shared;
  /* fixed */
  double rate;   /* tokens in a second */
  int64_t burst; /* the most tokens that are taken at once */
  /* under the lock */
  rt_lock lock;
  uint64_t since;  /* rt_clock: when the bucket was full; since then … */
  int64_t taken;   /* … so many tokens were taken, and have come back at the rate */
  int waiting;     /* length of 'waiters' */
  rt_list waiters; /* each 'want's a number of tokens */
  rt_list clocks;  /* one for each driver that has waiters, and perhaps some that had */
} rt_limiter;

/* Any thread: the 'free' of a limiter's kind. */
void rt_limiter_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
rt_limiter *rt_limiter_new(const rt_shared_kind *kind, double rate, int64_t burst);
static inline rt_limiter *rt_limiter_of(rt_shared *shared) {
  return rt_containerof(shared, rt_limiter, shared);
}

/* Any thread. True: the caller has taken n tokens. False: it would have to wait. */
bool rt_limiter_acquire(rt_limiter *l, int n);

/* The waiter's thread, which holds the limiter until the waiter was withdrawn. 0: the waiter is in
** the queue (and may have been called); when it is called, its task has n tokens. UV_EAGAIN:
** nothing was done, and another attempt is worth it. UV_ENOMEM. */
int rt_limiter_await(rt_limiter *l, int n, rt_waiter *waiter);
/* The same thread, when a waiter of the driver was called: stops the clock if none is left. */
void rt_limiter_waited(rt_limiter *l, rt_driver *d);

/* Any thread: n tokens that were taken were not used. */
void rt_limiter_give_back(rt_limiter *l, int n);

/* Any thread: the tokens that can be taken at once. *waiting: how many tasks wait. */
int64_t rt_limiter_available(rt_limiter *l, int *waiting);

#endif
