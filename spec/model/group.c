/* spec/model/group.c - model of sched/group.c: members that end, a cancel, tasks that wait, members
** that enter late, and tasks that have ended, each of which is given once. */
#include "model_worker.h"
#include "sched/job.h"

enum { MEMBERS = 2 };

static const rt_shared_kind job_kind = {"task", rt_job_free, 0, NULL};
static const rt_shared_kind kind = {"group", rt_group_free, 0, NULL};

static rt_runtime *runtime;
static rt_group *group;
static rt_job *members[MEMBERS];
static worker *runners[MEMBERS], *waiter;
static bool cancel_received[MEMBERS], called, cancel_is_done;
static int given[MEMBERS + 1]; /* how often each id was */

static void cancel_member(rt_shared *owner) { rt_job_cancel(rt_job_of(owner), NULL); }

static void enter(int n) {
  members[n] = rt_job_new(&job_kind, runtime, (uint64_t)n, "here", NULL);
  check(rt_group_make_room(group));
  bool entered = rt_group_enter(group, &members[n]->member, &members[n]->shared);
  if (!entered && !seeded("ignores the cancel")) rt_job_cancel(members[n], NULL);
}

static void begin_with(rt_group_policy policy, int members_before) {
  runtime = rt_runtime_new(NULL);
  group = rt_group_new(&kind, policy, cancel_member);
  waiter = worker_new();
  called = cancel_is_done = false;
  for (int i = 0; i < MEMBERS; i++) {
    runners[i] = worker_new();
    cancel_received[i] = false;
    members[i] = NULL;
  }
  for (int i = 0; i < members_before; i++) enter(i);
}

static void begin_until_all(void) { begin_with(RT_GROUP_ALL_COMPLETED, MEMBERS); }
static void begin_until_any(void) { begin_with(RT_GROUP_FIRST_COMPLETED, MEMBERS); }
static void begin_to_give(void) {
  runtime = rt_runtime_new(NULL);
  group = rt_group_new(&kind, RT_GROUP_ALL_COMPLETED, cancel_member);
  rt_group_keep_ended(group);
  waiter = worker_new();
  called = cancel_is_done = false;
  for (int i = 0; i < MEMBERS; i++) {
    runners[i] = worker_new();
    cancel_received[i] = false;
    given[i + 1] = 0;
    members[i] = rt_job_new(&job_kind, runtime, (uint64_t)i + 1, "here", NULL);
    check(rt_group_make_room(group));
    rt_group_enter(group, &members[i]->member, &members[i]->shared);
  }
}
static void begin_with_one(void) { begin_with(RT_GROUP_ALL_COMPLETED, 1); }

/* --- members ---------------------------------------------------------------------------------- */
static void on_cancel(rt_post *p, void *driver) {
  cancel_received[driver == &runners[1]->driver] = true;
  rt_job_drop(rt_containerof(p, rt_job, cancel_post));
}

/* 'for_ever': until it is cancelled. */
static void run(int n, bool for_ever) {
  rt_job *j = members[n];
  if (rt_job_begin(j, &runners[n]->driver, on_cancel)) {
    while (for_ever && !cancel_received[n]) rt_driver_park(&runners[n]->driver);
    rt_job_end(j, cancel_received[n] ? RT_CANCELLED : RT_DONE, NULL, NULL);
  }
  worker_free(runners[n]);
}

static void run_0(void) { run(0, false); }
static void run_1(void) { run(1, false); }
static void run_for_ever(void) { run(0, true); }

static void enter_late(void) {
  enter(1);
  run(1, true);
}

static void begin_with_one_left(void) {
  begin_until_all();
  run_1();
}

/* A local task, which the group only counts. */
static void enter_locally(void) {
  bool late = cancel_is_done, entered = rt_group_enter_local(group);
  check(!late || !entered);
  rt_chaos_delay();
  rt_group_leave_local(group, MEMBERS, RT_DONE);
}

/* --- waiting and cancelling ------------------------------------------------------------------- */
static void await(bool (*queue)(rt_waiter *)) {
  rt_waiter *entry = rt_waiter_new(&waiter->driver);
  if (!queue(entry)) {
    rt_waiter_park(entry, &waiter->task, RT_OP_JOIN);
    worker_wait(waiter);
    check(rt_waiter_withdraw(entry));
  }
  rt_waiter_free(entry);
  called = true;
}

static bool queue_for_all(rt_waiter *waiter) { return rt_group_await(group, waiter, true); }
static bool queue_for_any(rt_waiter *waiter) { return rt_group_await(group, waiter, false); }
static bool queue_to_watch(rt_waiter *waiter) { return rt_group_watch(group, waiter); }

static void wait_for_all(void) {
  await(queue_for_all);
  check(rt_group_live(group) == 0);
  worker_free(waiter);
}

/* (A local task may still enter.) */
static void wait_for_some(void) {
  await(queue_for_all);
  worker_free(waiter);
}

/* As rt.race: the first member that ends decides, and the other one is cancelled. */
static void race(void) {
  await(queue_for_any);
  check(rt_group_decider(group) == members[1]->id);
  check(rt_job_phase(members[0]) >= RT_DONE || rt_job_phase(members[1]) >= RT_DONE);
  rt_group_cancel(group);
  wait_for_all();
}

static bool is_cancelled(void) {
  rt_lock_take(&group->lock);
  bool is = group->cancelled;
  rt_lock_give(&group->lock);
  return is;
}

static void watch(void) {
  await(queue_to_watch);
  check(is_cancelled());
  worker_free(waiter);
}

static void cancel(void) {
  rt_group_cancel(group);
  cancel_is_done = true;
}

/* Takes the tasks that have ended until none is left. The first one that it gets by waiting it
** gives back, as a task that was cancelled meanwhile. */
static void take_all(void) {
  bool gives_back = true;
  uint64_t id = 0;
  check(rt_group_give_ended(group) == 0);
  do {
    while (!rt_group_next(group, &id)) {
      rt_waiter *entry = rt_waiter_new(&waiter->driver);
      if (!rt_group_await_next(group, entry)) {
        rt_waiter_free(entry);
        continue;
      }
      rt_waiter_park(entry, &waiter->task, RT_OP_JOIN);
      worker_wait(waiter);
      check(rt_waiter_withdraw(entry));
      int answer = entry->answer;
      rt_waiter_free(entry);
      if (!gives_back) {
        id = rt_group_take_promised(group, answer);
        break;
      }
      gives_back = false;
      if (!seeded("gives nothing back")) rt_group_give_back(group, answer);
    }
    if (id) given[id]++;
  } while (id);
  called = true;
  worker_free(waiter);
}

/* --- afterwards ------------------------------------------------------------------------------- */
static void end(void) {
  check(called && rt_group_live(group) == 0);
  for (int i = 0; i < MEMBERS; i++) {
    check(rt_job_phase(members[i]) >= RT_DONE);
    rt_job_drop(members[i]);
  }
  rt_shared_drop(&group->shared);
  rt_runtime_drop(runtime);
}

static void end_given(void) {
  for (int i = 1; i <= MEMBERS; i++) check(given[i] == 1);
  end();
}

static const model models[] = {
    {.says = "group: a task that waits for it is woken when no member is left, however they end",
     .begin = begin_until_all,
     .fibers = {{"member 0", run_0},
                {"member 1", run_1},
                {"waiter", wait_for_all},
                {"canceller", cancel}},
     .end = end,
     .bugs = {{"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "group: the first that ends decides a race, and the others are cancelled",
     .begin = begin_until_any,
     .fibers = {{"member 0", run_for_ever}, {"member 1", run_1}, {"waiter", race}},
     .end = end,
     .bugs = {{"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "group: a cancel reaches members that enter before or after it, and watchers",
     .begin = begin_with_one,
     .fibers = {{"member 0", run_for_ever},
                {"late", enter_late},
                {"canceller", cancel},
                {"watcher", watch}},
     .end = end,
     .bugs = {{"a member that enters were not cancelled with the group", BUG_OWN,
               "ignores the cancel"}}},
    {.says = "group: each task that has ended is given once, and then that none is left",
     .begin = begin_to_give,
     .fibers = {{"member 0", run_0}, {"member 1", run_1}, {"taker", take_all}},
     .end = end_given,
     .bugs = {{"what a cancelled task was given were lost", BUG_OWN, "gives nothing back"}}},
    {.says = "group: local tasks count, and one that enters late is cancelled",
     .begin = begin_with_one_left,
     .fibers = {{"member 0", run_0},
                {"local", enter_locally},
                {"canceller", cancel},
                {"waiter", wait_for_some}},
     .end = end,
     .bugs = {{"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
};

EXPLORE(models)
