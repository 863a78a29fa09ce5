/* sched/runq.h - jobs that nobody has begun: its owner takes the oldest, others steal half.
**
** A lock and a list: it is taken once a job, and a job costs a hundred times as much.
*/
#ifndef RT_SCHED_RUNQ_H
#define RT_SCHED_RUNQ_H

#include "sched/job.h"

typedef struct rt_runq {
  rt_lock lock;
  /* under lock */
  rt_list jobs;
  rt_driver *owner; /* NULL: it does not run (yet, or any more) */
  bool closed;
  /* written under lock, read by anyone who only wants to guess */
  rt_atomic(int) count;
} rt_runq;

int rt_runq_init(rt_runq *q); /* 0 or UV_E… */
void rt_runq_close(rt_runq *q);

/* any thread; the reference goes with it.  0; UV_EAGAIN: full; UV_ECANCELED: closed */
int rt_runq_put(rt_runq *q, rt_job *j);
rt_job *rt_runq_take(rt_runq *q); /* NULL: none */
/* Half of what is there, at most 32, goes to 'to'; how many. */
int rt_runq_steal(rt_runq *from, rt_runq *to);

/* any thread: what is there, at most so many, with a reference each; how many */
size_t rt_runq_peek(rt_runq *q, rt_job **jobs, size_t most);

static inline int rt_runq_count(rt_runq *q) { return rt_load_relaxed(&q->count); }

#endif
