/* base/counters.h - what a worker has done so far, in numbers that only grow.
**
** Each worker writes its own, so an addition is an addition, and anybody may read them.  Those
** of the runtime are for what no worker does: any thread adds to them.
*/
#ifndef RT_BASE_COUNTERS_H
#define RT_BASE_COUNTERS_H

#include "base/base.h"

typedef enum rt_counter {
  RT_COUNT_SPAWNED,
  RT_COUNT_STARTED,
  RT_COUNT_UNSTARTED, /* ended without having begun */
  RT_COUNT_DONE,      /* these three in the order of rt_phase */
  RT_COUNT_FAILED,
  RT_COUNT_CANCELLED,
  RT_COUNT_RESUMES,
  RT_COUNT_PREEMPTED,
  RT_COUNT_POLLS,
  RT_COUNT_PARKS, /* polls that may have blocked */
  RT_COUNT_POSTS, /* that came from other threads */
  RT_COUNT_TIMERS,
  RT_COUNT_STOLEN, /* jobs, from other workers */
  RT_COUNTS
} rt_counter;

typedef struct rt_counters {
  rt_atomic(uint64_t) of[RT_COUNTS];
} rt_counters;

/* whose they are */
static inline void rt_count(rt_counters *c, rt_counter what, uint64_t n) {
  rt_store_relaxed(&c->of[what], rt_load_relaxed(&c->of[what]) + n);
}

/* any thread */
static inline void rt_count_shared(rt_counters *c, rt_counter what) {
  rt_add_relaxed(&c->of[what], 1);
}

/* any thread: adds them to a sum, which is its own */
static inline void rt_count_sum(uint64_t *sum, rt_counters *c) {
  for (int i = 0; i < RT_COUNTS; i++) sum[i] += rt_load_relaxed(&c->of[i]);
}

#endif
