/* spec/model/semaphore.c - model of sync/semaphore.c: no more permits are out than there are, and
** none is lost with a task that gives up. */
#include "model_worker.h"
#include "sync/semaphore.h"

enum { TASKS = 3, PERMITS = 2 };

static const rt_shared_kind kind = {"semaphore", rt_semaphore_free, 0, NULL};

static rt_semaphore *semaphore;
static worker *tasks[TASKS];
static int out;

static void begin(void) {
  semaphore = rt_semaphore_new(&kind, PERMITS, PERMITS);
  for (int i = 0; i < TASKS; i++) tasks[i] = worker_new();
  out = 0;
}

static bool acquire(int me, int n, bool gives_up) {
  worker *w = tasks[me];
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  bool mine;
  do mine = rt_semaphore_acquire(semaphore, n);
  while (!mine && !rt_semaphore_await(semaphore, n, waiter));
  if (!mine) {
    if (gives_up) worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_ACQUIRE);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    mine = seeded("keeps its waiter") ? cause == RT_FIRED : rt_waiter_withdraw(waiter);
    check(mine || gives_up);
  }
  rt_waiter_free(waiter);
  return mine;
}

static bool release(int n) {
  if (!seeded("calls no waiter")) return rt_semaphore_release(semaphore, n);
  rt_lock_take(&semaphore->lock);
  semaphore->permits += n;
  rt_lock_give(&semaphore->lock);
  return true;
}

static void use(int me, int n, bool gives_up) {
  if (acquire(me, n, gives_up)) {
    check((out += n) <= PERMITS);
    rt_chaos_delay();
    out -= n;
    check(release(n));
  }
  worker_free(tasks[me]);
}

static void want_one(void) { use(0, 1, false); }
static void want_one_too(void) { use(1, 1, false); }
static void want_all(void) { use(2, PERMITS, false); }
static void want_all_for_a_while(void) { use(2, PERMITS, true); }

static void end(void) {
  int waiting;
  check(rt_semaphore_permits(semaphore, &waiting) == PERMITS && waiting == 0);
  rt_shared_drop(&semaphore->shared);
}

static const model models[] = {
    {.says = "semaphore: never more permits than there are, and every task gets some",
     .begin = begin,
     .fibers = {{"one", want_one}, {"one too", want_one_too}, {"all", want_all}},
     .end = end,
     .bugs = {{"a release called no waiter", BUG_OWN, "calls no waiter"},
              {"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "semaphore: a task that gives up takes no permits, and the tasks behind it get theirs",
     .begin = begin,
     .fibers = {{"one", want_one}, {"one too", want_one_too}, {"all", want_all_for_a_while}},
     .end = end,
     .bugs = {{"a task that gives up did not withdraw its waiter", BUG_OWN, "keeps its waiter"}}},
};

EXPLORE(models)
