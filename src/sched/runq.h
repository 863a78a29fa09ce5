/* sched/runq.h - a queue of jobs that have not started: the owner takes the oldest, others steal.
**
** A lock and a list. The lock is taken once for each job, and running a job costs a hundred times
** as much, so a lock-free deque would gain nothing.
*/
#ifndef RT_SCHED_RUNQ_H
#define RT_SCHED_RUNQ_H

#include "sched/job.h"

typedef struct rt_runq {
  rt_lock lock;
  /* under the lock */
  rt_list jobs[RT_PRIORITIES]; /* the oldest first */
  unsigned idle_passed;        /* jobs that were taken while those of idle priority waited */
  rt_driver *owner; /* of the worker whose queue it is; NULL: before attach or after detach */
  bool closed;      /* no more jobs are accepted */
  /* written under the lock, atomic */
  rt_atomic(int) count;      /* of all 'jobs' */
  rt_atomic(unsigned) taken; /* jobs that were taken, not stolen, so far */
} rt_runq;

int rt_runq_init(rt_runq *q); /* 0 or UV_E… */
void rt_runq_close(rt_runq *q);

/* Any thread. Appends the job and takes over the caller's reference. 0; UV_EAGAIN: the queue is
** full; UV_ECANCELED: it is closed; then the reference stays with the caller. */
int rt_runq_put(rt_runq *q, rt_job *j);
/* Any thread. The oldest job of the highest priority, with its reference; NULL: none. */
rt_job *rt_runq_take(rt_runq *q);
/* Any thread. Moves that half of the jobs that would be taken first, at most 'max' and 32, to the
** end of 'to'; returns how many. The two locks are taken one after the other: meanwhile these jobs
** are in no queue. */
int rt_runq_steal(rt_runq *from, rt_runq *to, int max);

/* Any thread. Copies at most 'max' jobs to the array, with a reference each; returns how many. */
size_t rt_runq_peek(rt_runq *q, rt_job **jobs, size_t max);

/* Any thread, without the lock: the count may be old. (Relaxed: code that must not miss a job reads
** 'count' with rt_load; see sched.c.) */
static inline int rt_runq_count(rt_runq *q) { return rt_load_relaxed(&q->count); }

/* Any thread: changes when the worker has taken a job. (Relaxed: a worker only compares it with an
** earlier value, to see whether the other one makes progress.) */
static inline unsigned rt_runq_taken(rt_runq *q) { return rt_load_relaxed(&q->taken); }

#endif
