/* spec/model/notify.c - models of sync/notify.c and sync/barrier.c: no notification is lost or used
** twice; two tasks meet at a barrier, or neither does. */
#include "model_worker.h"
#include "sync/barrier.h"
#include "sync/notify.h"

enum { TASKS = 3 };

static const rt_shared_kind notify_kind = {"notify", rt_notify_free, 0, NULL};
static const rt_shared_kind barrier_kind = {"barrier", rt_barrier_free, 0, NULL};

static rt_notify *notify;
static rt_barrier *barrier;
static worker *tasks[TASKS];
static int items, met;

static void begin(void) {
  notify = rt_notify_new(&notify_kind);
  barrier = rt_barrier_new(&barrier_kind, 2);
  for (int i = 0; i < TASKS; i++) tasks[i] = worker_new();
  items = met = 0;
}

/* --- waiting ---------------------------------------------------------------------------------- */
static bool wait(int me, bool gives_up) {
  worker *w = tasks[me];
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  bool done;
  do done = rt_notify_take(notify);
  while (!done && !rt_notify_await(notify, waiter));
  if (!done) {
    if (gives_up) worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_NOTIFY);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    bool called = rt_waiter_withdraw(waiter);
    done = seeded("keeps its waiter") ? cause == RT_FIRED : called;
    check(called || gives_up);
  }
  rt_waiter_free(waiter);
  return done;
}

/* (Two notifications that are sent before a task waits are remembered as one.) */
static void await_item(int me) {
  while (items == 0) wait(me, false);
  if (--items > 0 && !seeded("does not pass on")) rt_notify_one(notify);
  worker_free(tasks[me]);
}

static void await_item_0(void) { await_item(0); }
static void await_item_1(void) { await_item(1); }

static void make_items(void) {
  for (int i = 0; i < 2; i++) {
    items++;
    rt_notify_one(notify);
  }
  worker_free(tasks[2]);
}

static void wait_for_ever(void) {
  wait(0, false);
  worker_free(tasks[0]);
}

/* This task has no use for a notification, and passes it on. */
static void wait_and_pass_on(void) {
  if (wait(1, true)) rt_notify_one(notify);
  worker_free(tasks[1]);
}

static void notify_once(void) {
  rt_notify_one(notify);
  worker_free(tasks[2]);
}

/* --- a barrier of two ------------------------------------------------------------------------- */
static void meet(int me, bool gives_up) {
  worker *w = tasks[me];
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  bool done;
  do done = rt_barrier_wait(barrier);
  while (!done && !rt_barrier_await(barrier, waiter));
  if (!done) {
    if (gives_up) worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_BARRIER);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    done = rt_waiter_withdraw(waiter);
    check(done || gives_up);
    if (seeded("keeps its waiter")) done = cause == RT_FIRED;
  }
  rt_waiter_free(waiter);
  met += done;
  worker_free(w);
}

static void meet_0(void) { meet(0, true); }
static void meet_1(void) { meet(1, true); }

static void begin_to_meet(void) {
  begin();
  worker_free(tasks[2]);
}

/* --- afterwards ------------------------------------------------------------------------------- */
static void drop_both(void) {
  rt_shared_drop(&notify->shared);
  rt_shared_drop(&barrier->shared);
}

static void end_items(void) {
  check(items == 0);
  drop_both();
}

static void end_passed_on(void) {
  check(rt_notify_inspect(notify) <= 0);
  drop_both();
}

static void end_met(void) {
  check(met == 0 || met == 2);
  check(rt_barrier_waiting(barrier) == 0);
  drop_both();
}

static const model models[] = {
    {.says = "notify: no item is missed by tasks that check and then wait, if each passes on"
             " a notification when it finds more",
     .begin = begin,
     .fibers = {{"consumer 0", await_item_0}, {"consumer 1", await_item_1}, {"maker", make_items}},
     .end = end_items,
     .bugs = {{"a task that finds more did not notify another one", BUG_OWN, "does not pass on"},
              {"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "notify: a notification of a task that gives up just then does not get lost",
     .begin = begin,
     .fibers = {{"for ever", wait_for_ever},
                {"for a while", wait_and_pass_on},
                {"notifier", notify_once}},
     .end = end_passed_on,
     .bugs = {{"a task that gives up did not withdraw its waiter", BUG_OWN, "keeps its waiter"}}},
    {.says = "barrier: two meet, or neither does",
     .begin = begin_to_meet,
     .fibers = {{"task 0", meet_0}, {"task 1", meet_1}},
     .end = end_met,
     .bugs = {{"a task that gives up did not withdraw its waiter", BUG_OWN, "keeps its waiter"}}},
};

EXPLORE(models)
