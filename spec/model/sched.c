/* sched/sched.c - the workers together: who takes a job, who sleeps, whom to wake, and how they end. */
#include "sched/sched.h"
#include "model_worker.h"

enum { SEATS = 2, JOBS = 2 };

static const rt_shared_kind job_kind = {"task", rt_job_free, 0};

static worker *boss, *hands[SEATS];
static bool told[SEATS];
static rt_runtime *runtime;
static rt_sched *sched;
static rt_job *jobs[JOBS];
static bool queued[JOBS];
static int begun[JOBS], left;
static rt_post
    item; /* keeps the first worker from taking jobs, until another one has done the last */
static bool has_chore, last_is_done;

/* --- a worker ------------------------------------------------------------------------------------ */
static int number_of(const void *driver) { return driver == &hands[1]->driver; }

static void on_stop(rt_post *p, void *driver) {
  (void)p;
  told[number_of(driver)] = true;
}

static void on_left(rt_post *p, void *driver) {
  (void)p;
  check(driver == &boss->driver);
  left++;
}

static void on_cancel(rt_post *p, void *driver) {
  (void)driver;
  rt_job_drop(rt_containerof(p, rt_job, cancel_post));
}

static void work(worker *h, rt_job *j) {
  if (rt_job_begin(j, &h->driver, on_cancel)) {
    begun[j->id]++;
    rt_job_end(j, RT_DONE, NULL, NULL);
    if (j == jobs[JOBS - 1]) last_is_done = true;
  }
  rt_job_drop(j);
}

static void on_chore(rt_post *p, void *driver) {
  (void)p;
  check(driver == &hands[0]->driver);
  has_chore = true;
}

static void do_chore(void) {
  wait_until(&last_is_done);
  has_chore = false;
}

/* As park of run/loop.c. */
static void park(rt_slot *slot, rt_driver *d) {
  if (seeded("sleepy")) {
    rt_or(&slot->sched->idle[0], 1ull << slot->number); /* and does not look once more */
  } else if (!rt_slot_enter_idle(slot)) {
    return;
  }
  rt_driver_park(d);
  rt_slot_leave_idle(slot, has_chore && !seeded("quiet"));
}

static void member(rt_slot *slot) {
  worker *h = hands[slot->number];
  rt_slot_attach(slot, &h->driver);
  while (!told[slot->number]) {
    if (slot->number == 0 && has_chore) do_chore();
    rt_job *j = rt_sched_take(slot, true);
    if (j) {
      work(h, j);
      rt_driver_poll(&h->driver);
    } else {
      park(slot, &h->driver);
    }
  }
  rt_slot_detach(slot);
  worker_free(h);
  rt_slot_end(slot);
}

/* --- the main worker -------------------------------------------------------------------------------- */
static void begin_with(int slots) {
  boss = worker_new();
  runtime = rt_runtime_new(&boss->driver);
  rt_sched_config config = {.slots = slots,
                            .stack = 1,
                            .run_worker = member,
                            .on_stop = on_stop,
                            .on_ended = on_left,
                            .runtime = rt_runtime_hold(runtime)};
  sched = rt_sched_new(&config);
  left = 0;
  item = (rt_post){NULL, on_chore};
  has_chore = last_is_done = false;
  for (int i = 0; i < SEATS; i++) {
    hands[i] = i < slots ? worker_new() : NULL;
    told[i] = false;
  }
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = rt_job_new(&job_kind, runtime, (uint64_t)i, "here", NULL);
    begun[i] = 0;
    queued[i] = false;
  }
}

static void begin(void) { begin_with(SEATS); }

static int start_seats(int slots) {
  int err = 0;
  for (int i = 0; i < slots && err == 0; i++) {
    rt_job *j = rt_job_new(&job_kind, runtime, 0, "here", NULL);
    rt_job_cancel(j, NULL);
    err = rt_sched_submit_to(sched, j, i); /* it need not begin */
  }
  return err;
}

static void begin_with_two(void) {
  begin();
  check(start_seats(SEATS) == 0);
}

static void submit(int n, rt_slot *own) {
  rt_job_hold(jobs[n]);
  int err = rt_sched_submit(sched, jobs[n], own);
  queued[n] = err == 0;
  if (err == 0) return;
  check(err == UV_ECANCELED);
  rt_job_drop(jobs[n]);
  rt_job_cancel(jobs[n], NULL);
}

static void await(rt_job *j) {
  rt_waiter *t = rt_waiter_new(&boss->driver);
  if (!rt_job_await(j, t)) {
    rt_waiter_park(t, &boss->task, RT_OP_JOIN);
    worker_wait(boss);
    check(rt_waiter_withdraw(t));
  }
  rt_waiter_free(t);
}

static void stop(void) {
  rt_sched_stop(sched);
  while (rt_sched_live(sched) > 0) rt_driver_park(&boss->driver);
  rt_runtime_close(runtime);
  rt_mailbox_drain(&boss->driver.mailbox);
  check(left <= rt_load(&sched->started)); /* of the last one the boss need not hear */
  rt_sched_close(sched);
  worker_free(boss);
}

/* Each is submitted when the workers do whatever they do; both end by themselves. */
static void submit_and_await(void) {
  submit(0, NULL);
  submit(1, NULL);
  await(jobs[0]);
  await(jobs[1]);
  explore_no_more();
  stop();
}

static void submit_and_stop(void) {
  submit(0, NULL);
  stop();
}

/* Whoever is woken for it may have to do something else first. */
static void give_chore_and_submit(void) {
  rt_mailbox_post(&hands[0]->driver.mailbox, &item);
  submit(1, NULL);
  await(jobs[1]);
  explore_no_more();
  stop();
}

/* Some thread that holds the scheduler. */
static void begin_with_spawner(void) {
  begin_with(1);
  rt_sched_hold(sched);
  check(rt_sched_start(sched) == 0);
}

static void spawn_late(void) {
  submit(1, NULL);
  rt_sched_drop(sched);
}

static void submit_to_one(void) {
  rt_job_hold(jobs[0]);
  check(rt_sched_submit_to(sched, jobs[0], 1) == 0);
  rt_job_hold(jobs[1]);
  check(rt_sched_submit_to(sched, jobs[1], 1) == 0);
  queued[0] = queued[1] = true;
  await(jobs[0]);
  await(jobs[1]);
  explore_no_more();
  stop();
}

/* --- afterwards ----------------------------------------------------------------------------------------- */
static void drop_all(void) {
  for (int i = 0; i < JOBS; i++) rt_job_drop(jobs[i]);
  for (int i = 0; i < SEATS; i++)
    if (hands[i] && !told[i]) worker_free(hands[i]); /* nobody sat there */
  rt_runtime_drop(runtime);
}

static void end_all_begun(void) {
  for (int i = 0; i < JOBS; i++) check(begun[i] == 1 && rt_job_phase(jobs[i]) == RT_DONE);
  drop_all();
}

static void end_last_begun(void) {
  check(begun[1] == 1 && rt_job_phase(jobs[1]) == RT_DONE);
  drop_all();
}

static void end_each_once(void) {
  for (int i = 0; i < JOBS; i++) {
    rt_phase phase = rt_job_phase(jobs[i]);
    check(begun[i] == (phase == RT_DONE));
    check(phase >= RT_DONE || (i == 1 && !queued[i] && phase == RT_QUEUED));
  }
  drop_all();
}

static const model models[] = {
    {.says = "sched: a job that is submitted is begun once, whoever is going to sleep just then",
     .begin = begin_with_two,
     .fibers = {{"boss", submit_and_await}},
     .end = end_all_begun,
     .bugs = {{"a worker did not look once more before it sleeps", OWN, "sleepy"},
              {"a bell were not heard before the worker sleeps", DEAF, "uv_async_send"},
              {"an idle worker did not say so", LOST, "rt_or(word_of(slot))"}}},
    {.says = "sched: a worker that is woken for a job, and has something else to do, wakes another",
     .begin = begin_with_two,
     .fibers = {{"boss", give_chore_and_submit}},
     .end = end_last_begun,
     .bugs = {{"it did not say that it is busy", OWN, "quiet"}}},
    {.says = "sched: a seat gets a thread, and its pinned jobs wake that one",
     .begin = begin,
     .fibers = {{"boss", submit_to_one}},
     .end = end_all_begun,
     .bugs = {{"a worker did not look at them once more before it sleeps", BLIND,
               "rt_load(&slot->pinned.count)"}}},
    {.says = "sched: a job that is submitted while everything stops is begun once, or cancelled",
     .begin = begin_with_spawner,
     .fibers = {{"boss", submit_and_stop}, {"spawner", spawn_late}},
     .end = end_each_once,
     .bugs = {{"a worker that comes up did not see that it is to stop", BLIND,
               "rt_load(&s->stopping)"},
              {"a bell were not heard before the worker sleeps", DEAF, "uv_async_send"}}},
};

EXPLORE(models)
