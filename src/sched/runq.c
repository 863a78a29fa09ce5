#include "sched/runq.h"

enum { STEAL_MAX = RT_SIZE(32, 2), QUEUE_MAX = 1 << 24 };

int rt_runq_init(rt_runq *q) {
  rt_list_init(&q->jobs);
  q->owner = NULL;
  q->closed = false;
  rt_atomic_init(&q->count, 0);
  return rt_lock_init(&q->lock);
}

void rt_runq_close(rt_runq *q) { rt_lock_close(&q->lock); }

/* The store is sequentially consistent: a submitter reads the idle bits after it, and a parking
** worker reads the count after it has set its bit (sched.c). (The load is relaxed: 'count' changes
** only under the lock.) */
static void count_added_locked(rt_runq *q, int n) {
  rt_store(&q->count, rt_load_relaxed(&q->count) + n);
}

/* (Relaxed: 'count' changes only under the lock; a thread that reads the old count without it only
** looks for a job that is gone.) */
static void count_removed_locked(rt_runq *q, int n) {
  rt_store_relaxed(&q->count, rt_load_relaxed(&q->count) - n);
}

/* (Relaxed: 'count' changes only under the lock.) */
int rt_runq_put(rt_runq *q, rt_job *j) {
  rt_lock_take(&q->lock);
  bool full = rt_load_relaxed(&q->count) >= QUEUE_MAX, closed = q->closed;
  if (!full && !closed) {
    rt_list_append(&q->jobs, &j->link);
    count_added_locked(q, 1);
  }
  rt_lock_give(&q->lock);
  return closed ? UV_ECANCELED : full ? UV_EAGAIN : 0;
}

rt_job *rt_runq_take(rt_runq *q) {
  if (rt_runq_count(q) == 0) return NULL;
  rt_lock_take(&q->lock);
  rt_list *l = rt_list_take(&q->jobs);
  if (l) count_removed_locked(q, 1);
  rt_lock_give(&q->lock);
  return l ? rt_containerof(l, rt_job, link) : NULL;
}

/* (Relaxed: 'count' changes only under the lock.) */
int rt_runq_steal(rt_runq *from, rt_runq *to) {
  rt_list stolen;
  int n = 0;
  rt_list_init(&stolen);
  rt_lock_take(&from->lock);
  int max = (rt_load_relaxed(&from->count) + 1) / 2;
  if (max > STEAL_MAX) max = STEAL_MAX;
  for (rt_list *l; n < max && (l = rt_list_take(&from->jobs)) != NULL; n++)
    rt_list_append(&stolen, l);
  count_removed_locked(from, n);
  rt_lock_give(&from->lock);
  if (n == 0) return 0;
  rt_chaos_delay();
  rt_lock_take(&to->lock);
  rt_list_splice(&to->jobs, &stolen);
  count_added_locked(to, n);
  rt_lock_give(&to->lock);
  return n;
}

size_t rt_runq_peek(rt_runq *q, rt_job **jobs, size_t max) {
  size_t n = 0;
  rt_lock_take(&q->lock);
  for (rt_list *l = q->jobs.next; l != &q->jobs && n < max; l = l->next) {
    jobs[n] = rt_containerof(l, rt_job, link);
    rt_job_hold(jobs[n++]);
  }
  rt_lock_give(&q->lock);
  return n;
}
