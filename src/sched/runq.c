#include "sched/runq.h"

enum { STEAL_MAX = RT_SIZE(32, 2), QUEUE_MAX = 1 << 24 };

/* A job of idle priority is taken before the others if so many of them have gone before. */
enum { IDLE_WAIT = 64 };

int rt_runq_init(rt_runq *q) {
  for (int i = 0; i < RT_PRIORITIES; i++) rt_list_init(&q->jobs[i]);
  q->idle_passed = 0;
  q->owner = NULL;
  q->closed = false;
  rt_atomic_init(&q->count, 0);
  rt_atomic_init(&q->taken, 0);
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
    rt_list_append(&q->jobs[j->priority], &j->link);
    count_added_locked(q, 1);
  }
  rt_lock_give(&q->lock);
  return closed ? UV_ECANCELED : full ? UV_EAGAIN : 0;
}

static rt_list *take_locked(rt_runq *q) {
  rt_list *l = NULL, *idle = &q->jobs[RT_IDLE];
  if (rt_unlikely(!rt_list_is_empty(idle)) && ++q->idle_passed >= IDLE_WAIT) l = rt_list_take(idle);
  if (l == NULL && (l = rt_list_take(&q->jobs[RT_HIGH])) == NULL &&
      (l = rt_list_take(&q->jobs[RT_NORMAL])) == NULL)
    l = rt_list_take(idle);
  if (l && rt_containerof(l, rt_job, link)->priority == RT_IDLE) q->idle_passed = 0;
  return l;
}

/* (Relaxed: see rt_runq_taken.) */
rt_job *rt_runq_take(rt_runq *q) {
  if (rt_runq_count(q) == 0) return NULL;
  rt_lock_take(&q->lock);
  rt_list *l = take_locked(q);
  if (l) {
    count_removed_locked(q, 1);
    rt_store_relaxed(&q->taken, rt_load_relaxed(&q->taken) + 1);
  }
  rt_lock_give(&q->lock);
  return l ? rt_containerof(l, rt_job, link) : NULL;
}

/* (Relaxed: 'count' changes only under the lock.) */
int rt_runq_steal(rt_runq *from, rt_runq *to, int most) {
  rt_list stolen[RT_PRIORITIES], *l;
  int n = 0;
  for (int i = 0; i < RT_PRIORITIES; i++) rt_list_init(&stolen[i]);
  rt_lock_take(&from->lock);
  int max = (rt_load_relaxed(&from->count) + 1) / 2;
  if (max > STEAL_MAX) max = STEAL_MAX;
  if (max > most) max = most;
  for (; n < max && (l = take_locked(from)) != NULL; n++)
    rt_list_append(&stolen[rt_containerof(l, rt_job, link)->priority], l);
  count_removed_locked(from, n);
  rt_lock_give(&from->lock);
  if (n == 0) return 0;
  rt_chaos_delay();
  rt_lock_take(&to->lock);
  for (int i = 0; i < RT_PRIORITIES; i++) rt_list_splice(&to->jobs[i], &stolen[i]);
  count_added_locked(to, n);
  rt_lock_give(&to->lock);
  return n;
}

static size_t peek_locked(rt_list *list, rt_job **jobs, size_t max) {
  size_t n = 0;
  for (rt_list *l = list->next; l != list && n < max; l = l->next) {
    jobs[n] = rt_containerof(l, rt_job, link);
    rt_job_hold(jobs[n++]);
  }
  return n;
}

size_t rt_runq_peek(rt_runq *q, rt_job **jobs, size_t max) {
  rt_lock_take(&q->lock);
  size_t n = 0;
  for (int i = 0; i < RT_PRIORITIES; i++) n += peek_locked(&q->jobs[i], jobs + n, max - n);
  rt_lock_give(&q->lock);
  return n;
}
