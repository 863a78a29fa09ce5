/* base/counters.h - event counters, for rt.metrics.
**
** Each worker has counters, which only its thread changes, and the runtime has counters for events
** outside of the workers, which any thread changes. Any thread may read them.
**
** All accesses are relaxed: a counter says nothing about other memory, so a reader may see it
** earlier or later than what the worker did before or after.
**
** A new counter is added to rt_counter, and gets a name in lib/task/runtime.c.
*/
#ifndef RT_BASE_COUNTERS_H
#define RT_BASE_COUNTERS_H

#include "base/base.h"

typedef enum rt_counter {
  RT_COUNT_SPAWNED,
  RT_COUNT_STARTED,
  RT_COUNT_UNSTARTED, /* ended without having started */
  RT_COUNT_DONE,      /* DONE, FAILED, CANCELLED: in the order of rt_phase */
  RT_COUNT_FAILED,
  RT_COUNT_CANCELLED,
  RT_COUNT_RESUMES,
  RT_COUNT_PREEMPTED,
  RT_COUNT_POLLS,
  RT_COUNT_PARKS, /* polls that were allowed to block */
  RT_COUNT_POSTS, /* delivered by the mailbox */
  RT_COUNT_TIMERS,
  RT_COUNT_STOLEN, /* jobs that came from the queue of another worker */
  RT_COUNTS
} rt_counter;

typedef struct rt_counters {
  rt_atomic(uint64_t) of[RT_COUNTS];
} rt_counters;

/* worker's thread: no other thread writes these counters, so a load and a store are enough */
static inline void rt_counters_add(rt_counters *c, rt_counter what, uint64_t n) {
  rt_store_relaxed(&c->of[what], rt_load_relaxed(&c->of[what]) + n);
}

/* any thread, for counters that several threads change */
static inline void rt_counters_add_shared(rt_counters *c, rt_counter what) {
  rt_add_relaxed(&c->of[what], 1);
}

/* any thread: adds the counters to the array 'sum' */
static inline void rt_counters_sum(uint64_t *sum, rt_counters *c) {
  for (int i = 0; i < RT_COUNTS; i++) sum[i] += rt_load_relaxed(&c->of[i]);
}

#endif
