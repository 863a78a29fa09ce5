/* spec/model/sched.c - model of sched/sched.c and sched/slot.c: submitting against parking,
** wake-ups that are passed on, pinned jobs, jobs that are declined or handed over, workers that
** cannot be made, trying again to make them, and stopping. */
#include "model_worker.h"
#include "sched/balance.h"
#include "sched/sched.h"

enum { SLOTS = 3, JOBS = 2 };

static const rt_shared_kind job_kind = {"task", rt_job_free, 0, NULL};

static worker *main_worker, *workers[SLOTS];
static bool stop_received[SLOTS], has_thread[SLOTS];
static rt_runtime *runtime;
static rt_sched *sched;
static rt_job *jobs[JOBS];
static bool queued[JOBS];
static int runs[JOBS], ended;
/* Its delivery keeps the first worker busy until another worker has run the last job. */
static rt_post busy_post;
static bool is_busy, last_is_done;
static int failures, first_to_fail; /* so many workers cannot be made, from this slot on */
static bool first_is_blocked;       /* the first worker does nothing before the last job is done */
static bool jobs_meet, has_begun[JOBS]; /* each job ends only after the other one has begun */
static int loads[SLOTS];                /* tasks that each worker has begun before, and that wait */

/* --- a worker --------------------------------------------------------------------------------- */
static int number_of(const void *driver) {
  int n = 0;
  while (workers[n] == NULL || driver != &workers[n]->driver) n++;
  return n;
}

static void on_stop(rt_post *p, void *driver) {
  (void)p;
  stop_received[number_of(driver)] = true;
}

static void on_ended(rt_post *p, void *driver) {
  (void)p;
  check(driver == &main_worker->driver);
  ended++;
}

static void on_failure(rt_post *p, void *driver) {
  (void)p;
  check(driver == &main_worker->driver);
  rt_runtime_failure_received(runtime);
}

static void on_cancel(rt_post *p, void *driver) {
  (void)driver;
  rt_job_drop(rt_containerof(p, rt_job, cancel_post));
}

static void meet(uint64_t me) {
  has_begun[me] = true;
  wait_until(&has_begun[1 - me]);
}

static void run_job(worker *w, rt_job *j) {
  if (rt_job_begin(j, &w->driver, on_cancel)) {
    runs[j->id]++;
    if (jobs_meet) meet(j->id);
    if (first_is_blocked) explore_no_more();
    rt_job_end(j, RT_DONE, NULL, NULL);
    if (j == jobs[JOBS - 1]) last_is_done = true;
  }
  rt_job_drop(j);
}

static void on_busy_post(rt_post *p, void *driver) {
  (void)p;
  check(driver == &workers[0]->driver);
  is_busy = true;
}

static void stay_busy(void) {
  wait_until(&last_is_done);
  is_busy = false;
}

/* As the function of this name in run/loop.c. */
static void park(rt_slot *slot, rt_driver *d) {
  if (seeded("skips the last check")) {
    rt_or(&slot->sched->idle[0], 1ull << slot->number); /* and does not read the queues */
  } else if (!rt_slot_enter_idle(slot)) {
    return;
  }
  if (seeded("sets no timer")) rt_balance_after_park(slot);
  rt_driver_park(d);
  rt_slot_leave_idle(slot, is_busy && !seeded("wakes no other"));
}

static void run_worker(rt_slot *slot) {
  worker *w = workers[slot->number];
  check(!has_thread[slot->number]);
  has_thread[slot->number] = true;
  if (failures > 0 && slot->number >= first_to_fail) {
    failures--;
    has_thread[slot->number] = false;
    rt_slot_fail(slot, "the model");
    return;
  }
  rt_store_relaxed(&slot->load, loads[slot->number]);
  if (first_is_blocked && slot->number == 0) wait_until(&last_is_done);
  rt_slot_attach(slot, &w->driver);
  while (!stop_received[slot->number]) {
    if (slot->number == 0 && is_busy) stay_busy();
    rt_job *j = rt_sched_take(slot, true);
    if (j) {
      run_job(w, j);
      rt_driver_poll(&w->driver);
    } else {
      park(slot, &w->driver);
    }
  }
  rt_slot_detach(slot);
  worker_free(w);
  rt_slot_end(slot);
}

/* --- the main worker -------------------------------------------------------------------------- */
static void begin_with(int slots) {
  main_worker = worker_new();
  runtime = rt_runtime_new(&main_worker->driver);
  runtime->failure_post.deliver = on_failure;
  rt_sched_config config = {.slots = slots,
                            .stack = 1,
                            .run_worker = run_worker,
                            .on_stop = on_stop,
                            .on_ended = on_ended,
                            .runtime = rt_runtime_hold(runtime)};
  sched = rt_sched_new(&config);
  ended = 0;
  busy_post = (rt_post){NULL, on_busy_post};
  is_busy = last_is_done = jobs_meet = first_is_blocked = false;
  failures = first_to_fail = 0;
  for (int i = 0; i < SLOTS; i++) {
    workers[i] = i < slots ? worker_new() : NULL;
    stop_received[i] = has_thread[i] = false;
    loads[i] = 0;
  }
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = rt_job_new(&job_kind, runtime, (uint64_t)i, "here", NULL);
    runs[i] = 0;
    has_begun[i] = false;
    queued[i] = false;
  }
}

static void begin(void) { begin_with(2); }

static int start_slots(int slots) {
  int err = 0;
  for (int i = 0; i < slots && err == 0; i++) {
    rt_job *j = rt_job_new(&job_kind, runtime, 0, "here", NULL);
    rt_job_cancel(j, NULL);
    err = rt_sched_submit_to(sched, j, i); /* (only its thread is wanted) */
  }
  return err;
}

static void begin_with_two(void) {
  begin();
  check(start_slots(2) == 0);
}

/* The first worker is blocked, and no other one has a thread. */
static void begin_with_blocked(void) {
  begin_with(SLOTS);
  jobs_meet = first_is_blocked = true;
  check(start_slots(1) == 0);
}

/* The first worker is blocked, and the second one has more tasks. */
static void begin_with_declining(void) {
  begin();
  loads[1] = 2;
  first_is_blocked = true;
  check(rt_sched_start_slots(sched, 2) == 0);
}

/* The second worker has more tasks than the first one, so it hands jobs over. */
static void begin_with_loaded(void) {
  begin();
  loads[1] = 3;
  check(rt_sched_start_slots(sched, 2) == 0);
}

static void submit(int n, rt_slot *own) {
  rt_job_hold(jobs[n]);
  if (seeded("starts no thread") && n == 1) {
    rt_add(&sched->queued, 1);
    queued[n] = rt_runq_put(&sched->slots[0].queue, jobs[n]) == 0;
    return;
  }
  int err = rt_sched_submit(sched, jobs[n], own);
  queued[n] = err == 0;
  if (err == 0) return;
  check(err == UV_ECANCELED);
  rt_job_drop(jobs[n]);
  rt_job_cancel(jobs[n], NULL);
}

static void await(rt_job *j) {
  rt_waiter *waiter = rt_waiter_new(&main_worker->driver);
  if (!rt_job_await(j, waiter)) {
    rt_waiter_park(waiter, &main_worker->task, RT_OP_JOIN);
    worker_wait(main_worker);
    check(rt_waiter_withdraw(waiter));
  }
  rt_waiter_free(waiter);
}

static void stop(void) {
  rt_sched_stop(sched);
  while (rt_sched_live(sched) > 0) rt_driver_park(&main_worker->driver);
  rt_runtime_close(runtime);
  rt_mailbox_drain(&main_worker->driver.mailbox);
  check(rt_list_is_empty(&sched->retry.timer.link));
  check(ended <= rt_load(&sched->started)); /* (the last post may come too late) */
  rt_sched_close(sched);
  worker_free(main_worker);
}

/* Two jobs are submitted while the workers are at any point of their loop. */
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

/* The first worker has something else to do, and may be the one that is woken for the job. */
static void keep_busy_and_submit(void) {
  rt_mailbox_post(&workers[0]->driver.mailbox, &busy_post);
  submit(1, NULL);
  await(jobs[1]);
  explore_no_more();
  stop();
}

/* The spawner is a thread of no worker that holds the scheduler. */
static void begin_with_spawner(void) {
  begin_with(1);
  rt_sched_hold(sched);
  check(rt_sched_start(sched) == 0);
}

static void spawn_late(void) {
  submit(1, NULL);
  rt_sched_drop(sched);
}

static void submit_to_first(void) {
  submit(1, &sched->slots[0]);
  await(jobs[1]);
  explore_no_more();
  stop();
}

/* (The main worker stands for tasks of the second worker.) */
static void submit_to_second(void) {
  submit(0, &sched->slots[1]);
  submit(1, &sched->slots[1]);
  await(jobs[0]);
  await(jobs[1]);
  explore_no_more();
  stop();
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

static void submit_and_wait(void) {
  submit(0, NULL);
  wait_until(&last_is_done);
  stop();
}

static void begin_with_failure(void) {
  begin_with(1);
  failures = 1;
  check(rt_sched_start(sched) == 0);
}

/* The job may be put before, while or after the first worker fails. */
static void submit_and_fail(void) {
  submit(1, NULL);
  await(jobs[1]);
  if (rt_job_phase(jobs[1]) == RT_FAILED) rt_runtime_forget_failure(runtime, &jobs[1]->failure);
  explore_no_more();
  stop();
}

static void submit_too(void) { submit(1, NULL); }

/* The first worker is blocked, and the second one cannot be made at first. */
static void begin_with_second_failing(void) {
  begin_with(2);
  first_is_blocked = true;
  failures = 2;
  first_to_fail = 1;
  check(rt_sched_start_slots(sched, 2) == 0);
}

/* (It fails once, as the main worker does not wait for what is tried later.) */
static void begin_with_second_failing_and_spawner(void) {
  begin_with_second_failing();
  failures = 1;
  rt_sched_hold(sched);
}

static void submit_and_try_again(void) {
  submit(1, NULL);
  await(jobs[1]);
  stop();
}

/* (The first worker is free from here on, so that it can end.) */
static void stop_and_free_first(void) {
  rt_sched_stop(sched);
  explore_no_more();
  last_is_done = true;
  stop();
}

/* --- afterwards ------------------------------------------------------------------------------- */
static void drop_all(void) {
  for (int i = 0; i < JOBS; i++) rt_job_drop(jobs[i]);
  for (int i = 0; i < SLOTS; i++)
    if (workers[i] && !stop_received[i]) worker_free(workers[i]); /* (its slot got no thread) */
  rt_runtime_drop(runtime);
}

static void end_all_begun(void) {
  for (int i = 0; i < JOBS; i++) check(runs[i] == 1 && rt_job_phase(jobs[i]) == RT_DONE);
  drop_all();
}

static void end_last_begun(void) {
  check(runs[1] == 1 && rt_job_phase(jobs[1]) == RT_DONE);
  drop_all();
}

/* The job was begun once or cancelled, unless it was refused. */
static void check_once(int n) {
  rt_phase phase = rt_job_phase(jobs[n]);
  check(runs[n] == (phase == RT_DONE));
  check(phase >= RT_DONE || (n == 1 && !queued[n] && phase == RT_QUEUED));
}

static void end_each_once(void) {
  for (int i = 0; i < JOBS; i++) check_once(i);
  drop_all();
}

static void end_last_once(void) {
  check_once(1);
  drop_all();
}

static void end_run_or_failed(void) {
  rt_phase phase = rt_job_phase(jobs[1]);
  check(runs[1] == (phase == RT_DONE));
  check(phase == RT_DONE || phase == RT_FAILED);
  drop_all();
}

static const model models[] = {
    {.says =
         "sched: a job that is submitted is begun once, also if a worker goes to sleep just then",
     .begin = begin_with_two,
     .fibers = {{"main", submit_and_await}},
     .end = end_all_begun,
     .bugs = {{"a worker did not check once more before it sleeps", BUG_OWN,
               "skips the last check"},
              {"a ring before the worker sleeps were lost", BUG_BELL_FORGOTTEN, "uv_async_send"},
              {"an idle worker did not set its bit", BUG_NOT_WRITTEN, "rt_or(word_of(slot))"}}},
    {.says = "sched: a worker that is woken for a job, and has something else to do, wakes another",
     .begin = begin_with_two,
     .fibers = {{"main", keep_busy_and_submit}},
     .end = end_last_begun,
     .bugs = {{"the busy worker woke no other one", BUG_OWN, "wakes no other"}}},
    {.says = "sched: a job that a worker has declined is begun by it, if the other one is blocked",
     .begin = begin_with_declining,
     .fibers = {{"main", submit_to_first}},
     .end = end_last_begun,
     .bugs = {{"no timer ended its sleep", BUG_OWN, "sets no timer"}}},
    {.says = "sched: jobs that a worker with more tasks hands over are begun once each",
     .begin = begin_with_loaded,
     .fibers = {{"main", submit_to_second}},
     .end = end_all_begun,
     .bugs = {{"the jobs were moved without the lock", BUG_NOT_LOCKED,
               "runq.c: rt_lock_take(&to->lock)"}}},
    {.says = "sched: a slot gets a thread, and its pinned jobs wake that one",
     .begin = begin,
     .fibers = {{"main", submit_to_one}},
     .end = end_all_begun,
     .bugs = {{"a worker did not check them once more before it sleeps", BUG_NOT_READ,
               "rt_load(&slot->pinned.count)"}}},
    {.says = "sched: two jobs that block, and are submitted at the same time, get a thread each",
     .begin = begin_with_blocked,
     .fibers = {{"main", submit_and_wait}, {"another", submit_too}},
     .end = end_all_begun,
     .bugs = {{"one submitter relied on the other to start a thread", BUG_OWN,
               "starts no thread"}}},
    {.says = "sched: a job is begun by another worker, or fails, if its worker cannot be made",
     .begin = begin_with_failure,
     .fibers = {{"main", submit_and_fail}},
     .end = end_run_or_failed,
     .bugs = {{"the submitter did not look for a worker afterwards", BUG_OWN, "starts no thread"},
              {"the last worker did not count itself out before", BUG_NOT_WRITTEN,
               "rt_sub(&s->live"}}},
    {.says = "sched: a job is begun by a worker that can be made later, if the others are blocked",
     .begin = begin_with_second_failing,
     .fibers = {{"main", submit_and_try_again}},
     .end = end_last_begun,
     .bugs = {{"nothing saw the job in the queue", BUG_NOT_READ, "slot.c: rt_load(&s->queued)"},
              {"the main worker was not rung", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "sched: no worker is tried again after the end, and no slot has two threads",
     .begin = begin_with_second_failing_and_spawner,
     .fibers = {{"main", stop_and_free_first}, {"spawner", spawn_late}},
     .end = end_last_once,
     .bugs = {{"the end was not seen where threads are started", BUG_NOT_READ,
               "slot.c: rt_load(&s->stopping)"},
              {"two threads were started for a slot", BUG_NOT_LOCKED,
               "slot.c: rt_lock_take(&s->lock)"}}},
    {.says = "sched: a job that is submitted while everything stops is begun once, or cancelled",
     .begin = begin_with_spawner,
     .fibers = {{"main", submit_and_stop}, {"spawner", spawn_late}},
     .end = end_each_once,
     .bugs = {{"a worker that starts did not see that it has to stop", BUG_NOT_READ,
               "rt_load(&s->stopping)"},
              {"a ring before the worker sleeps were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
};

EXPLORE(models)
