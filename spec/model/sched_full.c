/* spec/model/sched_full.c - model of sched/sched.c with bounded queues: tasks that wait for space
** in them, and one that gives up. */
#include "model_worker.h"
#include "sched/sched.h"

enum { JOBS = 3 };

static const rt_shared_kind job_kind = {"task", rt_job_free, 0, NULL};

static worker *patient, *hasty, *pool_worker;
static rt_runtime *runtime;
static rt_sched *sched;
static rt_job *jobs[JOBS];
static bool stop_received, queued[JOBS], hasty_has_ended;
static int runs;

/* --- the one worker --------------------------------------------------------------------------- */
static void on_stop(rt_post *p, void *driver) {
  (void)p, (void)driver;
  stop_received = true;
}

static void on_ended(rt_post *p, void *driver) { (void)p, (void)driver; }

static void run_job(rt_job *j) {
  check(rt_job_begin(j, &pool_worker->driver, NULL));
  runs++;
  rt_job_end(j, RT_DONE, NULL, NULL);
  rt_job_drop(j);
}

static void run_worker(rt_slot *slot) {
  rt_slot_attach(slot, &pool_worker->driver);
  while (!stop_received) {
    rt_job *j = rt_sched_take(slot, true);
    if (j) {
      run_job(j);
    } else if (rt_slot_enter_idle(slot)) {
      rt_driver_park(&pool_worker->driver);
      rt_slot_leave_idle(slot, false);
    }
  }
  rt_slot_detach(slot);
  worker_free(pool_worker);
  rt_slot_end(slot);
}

/* --- tasks that spawn, as rt.spawn_blocking --------------------------------------------------- */
static bool submit(int n) {
  rt_job_hold(jobs[n]);
  int err = rt_sched_submit(sched, jobs[n], NULL);
  queued[n] = err == 0;
  check(err == 0 || err == UV_EAGAIN);
  if (err != 0) rt_job_drop(jobs[n]);
  return queued[n];
}

static void begin(void) {
  patient = worker_new();
  hasty = worker_new();
  pool_worker = worker_new();
  runtime = rt_runtime_new(&patient->driver);
  rt_sched_config config = {.slots = 1,
                            .queue_max = 1,
                            .stack = 1,
                            .run_worker = run_worker,
                            .on_stop = on_stop,
                            .on_ended = on_ended,
                            .runtime = rt_runtime_hold(runtime)};
  sched = rt_sched_new(&config);
  check(rt_sched_start(sched) == 0);
  stop_received = hasty_has_ended = false;
  runs = 0;
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = rt_job_new(&job_kind, runtime, (uint64_t)i, "here", NULL);
    queued[i] = false;
  }
  check(submit(0));
}

static bool wait_for_space(worker *w, rt_waiter *waiter, bool gives_up) {
  if (gives_up) worker_set_deadline(w);
  rt_waiter_park(waiter, &w->task, RT_OP_SPAWN);
  rt_cause cause = worker_wait(w);
  if (gives_up) worker_forget_deadline(w);
  if (rt_waiter_withdraw(waiter) && !seeded("does not pass on")) rt_sched_notify_space(sched);
  return cause == RT_FIRED;
}

/* False: it has given up. */
static bool spawn(worker *w, int n, bool gives_up) {
  bool again = false, keeps_trying = true;
  while (keeps_trying && !submit(n)) {
    rt_waiter *waiter = rt_waiter_new(&w->driver);
    if (!rt_sched_await_space(sched, waiter, again)) {
      keeps_trying = wait_for_space(w, waiter, gives_up);
      again = true;
    }
    rt_waiter_free(waiter);
  }
  return keeps_trying;
}

static void await(rt_job *j) {
  rt_waiter *waiter = rt_waiter_new(&patient->driver);
  if (!rt_job_await(j, waiter)) {
    rt_waiter_park(waiter, &patient->task, RT_OP_JOIN);
    worker_wait(patient);
    check(rt_waiter_withdraw(waiter));
  }
  rt_waiter_free(waiter);
}

static void stop(void) {
  rt_sched_stop(sched);
  while (rt_sched_live(sched) > 0) rt_driver_park(&patient->driver);
  rt_runtime_close(runtime);
  rt_mailbox_drain(&patient->driver.mailbox);
  rt_sched_close(sched);
}

/* The queue is full, or the worker is about to take the job in it. */
static void spawn_second(void) {
  check(spawn(patient, 1, false));
  wait_until(&hasty_has_ended);
  explore_no_more();
  await(jobs[0]);
  await(jobs[1]);
  if (queued[2]) await(jobs[2]);
  stop();
  worker_free(patient);
}

static void spawn_one(void) {
  spawn(hasty, 2, true);
  worker_free(hasty);
  hasty_has_ended = true;
}

static void end(void) {
  check(queued[0] && queued[1] && runs == 2 + queued[2]);
  for (int i = 0; i < JOBS; i++) rt_job_drop(jobs[i]);
  rt_runtime_drop(runtime);
}

static const model models[] = {
    {.says = "sched: a task that waits for room in a queue gets it, also if a task before it gives "
             "up",
     .begin = begin,
     .fibers = {{"patient", spawn_second}, {"hasty", spawn_one}},
     .end = end,
     .bugs = {{"a task that is called and gives up did not call the next one", BUG_OWN,
               "does not pass on"},
              {"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
};

EXPLORE(models)
