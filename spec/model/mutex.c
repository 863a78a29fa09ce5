/* spec/model/mutex.c - model of sync/mutex.c: hand-off, a task that gives up, a task that ends
** while it holds the mutex, and settling. */
#include "model_worker.h"
#include "sync/mutex.h"

enum { TASKS = 3 };

static const rt_shared_kind kind = {"mutex", rt_mutex_free, 0, NULL};

static rt_mutex *mutex;
static worker *tasks[TASKS];
static bool waits[TASKS];
static int inside, owned;

static void begin(void) {
  mutex = rt_mutex_new(&kind, NULL);
  for (int i = 0; i < TASKS; i++) tasks[i] = worker_new();
  memset(waits, 0, sizeof waits);
  inside = owned = 0;
}

/* --- one task --------------------------------------------------------------------------------- */
static bool lock(int me, bool gives_up) {
  worker *w = tasks[me];
  bool before[TASKS];
  memcpy(before, waits, sizeof before);
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  bool mine;
  do mine = rt_mutex_lock(mutex, &w->task) == RT_MUTEX_DONE;
  while (!mine && !rt_mutex_await(mutex, waiter));
  if (!mine) {
    waits[me] = true;
    if (gives_up) worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_LOCK);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    mine = seeded("keeps its waiter") ? cause == RT_FIRED : rt_waiter_withdraw(waiter);
    check(mine || gives_up);
    if (mine) rt_mutex_accept(mutex, &w->task);
    waits[me] = false;
  }
  rt_waiter_free(waiter);
  for (int i = 0; mine && i < TASKS; i++)
    if (before[i]) check(!waits[i]); /* a task that came later does not overtake */
  return mine;
}

static void use(void) {
  check(inside++ == 0);
  rt_chaos_delay();
  check(--inside == 0);
  owned++;
}

static void lock_and_unlock(int me) {
  check(lock(me, false));
  use();
  check(rt_mutex_unlock(mutex, &tasks[me]->task));
  worker_free(tasks[me]);
}

static void task_0(void) { lock_and_unlock(0); }

/* The task ends while it holds the mutex, which is released then. */
static void task_1(void) {
  check(lock(1, false));
  use();
  worker_free(tasks[1]);
}

static void task_2(void) {
  if (lock(2, true)) {
    use();
    check(rt_mutex_unlock(mutex, &tasks[2]->task));
  }
  worker_free(tasks[2]);
}

/* As rt.once: the first task that gets the mutex settles it; the other ones do not get it. */
static void settle_once(int me) {
  worker *w = tasks[me];
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  rt_mutex_result answer;
  do answer = rt_mutex_lock(mutex, &w->task);
  while (answer == RT_MUTEX_WAITS && !rt_mutex_await(mutex, waiter));
  if (answer == RT_MUTEX_WAITS) {
    rt_waiter_park(waiter, &w->task, RT_OP_ONCE);
    worker_wait(w);
    check(rt_waiter_withdraw(waiter));
    answer = (rt_mutex_result)waiter->answer;
    if (answer == RT_MUTEX_DONE) rt_mutex_accept(mutex, &w->task);
  }
  rt_waiter_free(waiter);
  if (answer == RT_MUTEX_DONE) {
    use();
    if (seeded("unlocks only"))
      rt_mutex_unlock(mutex, &w->task);
    else
      rt_mutex_settle(mutex, NULL);
  }
  check(answer != RT_MUTEX_SETTLED || rt_mutex_is_settled(mutex));
  worker_free(w);
}

static void settle_0(void) { settle_once(0); }
static void settle_1(void) { settle_once(1); }
static void settle_2(void) { settle_once(2); }

/* --- afterwards ------------------------------------------------------------------------------- */
static void check_free(void) {
  int waiting;
  check(rt_mutex_inspect(mutex, &waiting) == -1 && waiting == 0);
  rt_shared_drop(&mutex->shared);
}

static void end(void) {
  check(owned >= 2);
  check_free();
}

static void end_settled(void) {
  check(owned == 1 && rt_mutex_is_settled(mutex));
  check_free();
}

static const model models[] = {
    {.says = "mutex: one owner at a time, in the order in which they wait; a task that gives up or "
             "ends leaves it free",
     .begin = begin,
     .fibers = {{"unlocks", task_0}, {"ends", task_1}, {"gives up", task_2}},
     .end = end,
     .bugs = {{"a task that gives up did not withdraw its waiter", BUG_OWN, "keeps its waiter"},
              {"two tasks could lock it at once", BUG_NOT_LOCKED,
               "sync/mutex.c: rt_lock_take(&m->lock)"},
              {"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "mutex: of three tasks that would make a value once, one does, and all continue",
     .begin = begin,
     .fibers = {{"task 0", settle_0}, {"task 1", settle_1}, {"task 2", settle_2}},
     .end = end_settled,
     .bugs = {{"the mutex were unlocked, and not settled", BUG_OWN, "unlocks only"},
              {"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
};

EXPLORE(models)
