/* spec/model/runq.c - model of sched/runq.c: putting, taking, stealing, and closing the queue. */
#include "explore.h"
#include "sched/runq.h"

enum { JOBS = 4 };

static rt_runq queue, other;
static rt_job jobs[JOBS];
static int taken[JOBS], last_of_owner, last_of_thief;
static bool was_put[JOBS];

static void begin(void) {
  rt_runq_init(&queue);
  rt_runq_init(&other);
  memset(jobs, 0, sizeof jobs);
  memset(taken, 0, sizeof taken);
  memset(was_put, 0, sizeof was_put);
  last_of_owner = last_of_thief = -1;
  for (int i = 0; i < 2; i++) was_put[i] = rt_runq_put(&queue, &jobs[i]) == 0;
}

static bool take(rt_runq *q, int *last) {
  rt_job *j = rt_runq_take(q);
  if (j == NULL) return false;
  int number = (int)(j - jobs);
  check(number > *last); /* the oldest first */
  *last = number;
  taken[number]++;
  return true;
}

static void own(void) {
  take(&queue, &last_of_owner);
  take(&queue, &last_of_owner);
}

static void steal(void) {
  for (int i = 0; i < 2; i++)
    if (rt_runq_steal(&queue, &other, JOBS) > 0)
      while (take(&other, &last_of_thief)) continue;
}

static void put(void) {
  for (int i = 2; i < JOBS; i++) was_put[i] = rt_runq_put(&queue, &jobs[i]) == 0;
}

/* As close_queue of sched/slot.c, when the last worker ends. */
static void close_it(void) {
  rt_lock_take(&queue.lock);
  queue.closed = true;
  rt_lock_give(&queue.lock);
}

static void end(void) {
  int left = rt_runq_count(&queue), last = -1;
  for (int i = 0; i < left; i++) check(take(&queue, &last));
  check(rt_runq_take(&queue) == NULL && rt_list_is_empty(&queue.jobs[RT_NORMAL]));
  check(rt_runq_count(&other) == 0 && rt_list_is_empty(&other.jobs[RT_NORMAL]));
  for (int i = 0; i < JOBS; i++) check(taken[i] == was_put[i]);
  rt_runq_close(&queue);
  rt_runq_close(&other);
}

static const model models[] = {
    {.says = "runq: each job is taken once, the oldest first, by its owner or by a steal",
     .begin = begin,
     .fibers = {{"owner", own}, {"stealer", steal}, {"spawner", put}, {"closer", close_it}},
     .end = end,
     .bugs = {{"the owner took from the queue without its lock", BUG_NOT_LOCKED,
               "sched/runq.c: rt_lock_take(&q->lock)"},
              {"a job were stolen without the lock", BUG_NOT_LOCKED, "rt_lock_take(&from->lock)"}}},
};

EXPLORE(models)
