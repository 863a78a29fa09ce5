/* spec/model/limiter.c - model of sync/limiter.c: no more tokens are taken than have come, each
** task that waits gets its own, and none is lost with a task that gives up. */
#include "model_worker.h"
#include "sync/limiter.h"

enum { TASKS = 3, BURST = 2, RATE = 1000 };

static const rt_shared_kind kind = {"limiter", rt_limiter_free, 0, NULL};

static rt_limiter *limiter;
static worker *tasks[TASKS];
static uint64_t began;
static int taken;

static void begin(void) {
  limiter = rt_limiter_new(&kind, RATE, BURST);
  began = rt_clock();
  for (int i = 0; i < TASKS; i++) tasks[i] = worker_new();
  taken = 0;
}

static bool acquire(int me, int n, bool gives_up) {
  worker *w = tasks[me];
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  bool mine;
  do mine = seeded("does not ask") || rt_limiter_acquire(limiter, n);
  while (!mine && rt_limiter_await(limiter, n, waiter) != 0);
  if (!mine) {
    if (gives_up) worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_ACQUIRE);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    mine = rt_waiter_withdraw(waiter);
    check(mine || (gives_up && cause == RT_WITHDRAWN));
    if (mine) rt_limiter_waited(limiter, &w->driver);
    if (seeded("takes though it gave up")) mine = true;
  }
  rt_waiter_free(waiter);
  return mine;
}

static void use(int me, int n, bool gives_up, bool gives_back) {
  if (acquire(me, n, gives_up)) {
    taken += n;
    check((uint64_t)taken <= BURST + (rt_clock() - began) * RATE / RT_SECOND);
    if (gives_back) {
      taken -= n;
      if (!seeded("gives nothing back")) rt_limiter_give_back(limiter, n);
    }
  }
  worker_free(tasks[me]);
}

static void want_one(void) { use(0, 1, false, false); }
static void want_two(void) { use(1, 2, false, false); }
static void want_two_and_give_them_back(void) { use(1, 2, false, true); }
static void want_two_for_a_while(void) { use(2, 2, true, false); }
static void want_two_too(void) { use(2, 2, false, false); }

static void end(void) {
  int waiting;
  check(limiter->taken <= taken); /* (less, if the bucket was full in between) */
  rt_limiter_available(limiter, &waiting);
  check(waiting == 0 && rt_list_is_empty(&limiter->clocks));
  rt_shared_drop(&limiter->shared);
}

static const model models[] = {
    {.says = "limiter: no more tokens than have come, and every task gets some",
     .begin = begin,
     .fibers = {{"one", want_one}, {"two", want_two}, {"two too", want_two_too}},
     .end = end,
     .bugs = {{"a task took tokens without asking", BUG_OWN, "does not ask"}}},
    {.says = "limiter: a task that gives up takes no tokens, and the tasks behind it get theirs",
     .begin = begin,
     .fibers = {{"one", want_one}, {"two", want_two}, {"two for a while", want_two_for_a_while}},
     .end = end,
     .bugs = {{"a task that gives up took its tokens", BUG_OWN, "takes though it gave up"}}},
    {.says = "limiter: tokens that are given back go to the tasks that wait",
     .begin = begin,
     .fibers = {{"one", want_one},
                {"two, given back", want_two_and_give_them_back},
                {"two too", want_two_too}},
     .end = end,
     .bugs = {{"tokens were not given back", BUG_OWN, "gives nothing back"}}},
};

EXPLORE(models)
