/* spec/model/job.c - model of sched/job.c: the start and the end of a job, cancels, and a
** joiner. */
#include "model_worker.h"
#include "sched/job.h"

static const rt_shared_kind kind = {"task", rt_job_free, 0, NULL};

static rt_runtime *runtime;
static rt_job *job;
static worker *runner, *joiner;
static bool begun, cancel_received, cancel_was_pending[2];
static rt_phase ended_as, joined_as;

static void on_unjoined_failure(rt_post *p, void *driver) { (void)p, (void)driver; }

static void begin(void) {
  runtime = rt_runtime_new(NULL);
  runtime->on_unjoined_failure = on_unjoined_failure;
  job = rt_job_new(&kind, runtime, 1, "here", rt_message_new());
  runner = worker_new();
  joiner = worker_new();
  begun = cancel_received = false;
  ended_as = joined_as = RT_QUEUED;
}

/* --- the worker that runs it ------------------------------------------------------------------ */
static void on_cancel(rt_post *p, void *driver) {
  (void)driver;
  cancel_received = true;
  rt_job_drop(rt_containerof(p, rt_job, cancel_post));
}

static void run_job(void) {
  begun = rt_job_begin(job, &runner->driver, on_cancel);
  if (begun) {
    rt_driver_poll(&runner->driver);
    ended_as = cancel_received ? RT_CANCELLED : RT_DONE;
    rt_job_end(job, ended_as, NULL, NULL);
  }
  worker_free(runner);
}

/* --- cancelling ------------------------------------------------------------------------------- */
static void cancel(int n) { cancel_was_pending[n] = rt_job_cancel(job, rt_message_new()); }
static void cancel_0(void) { cancel(0); }
static void cancel_1(void) { cancel(1); }

/* --- joining ---------------------------------------------------------------------------------- */
static void join_for_a_while(void) {
  rt_waiter *waiter = rt_waiter_new(&joiner->driver);
  bool ended = rt_job_await(job, waiter);
  if (!ended) {
    worker_set_deadline(joiner);
    rt_waiter_park(waiter, &joiner->task, RT_OP_JOIN);
    rt_cause cause = worker_wait(joiner);
    ended = seeded("reads without the lock") ? waiter->called : rt_waiter_withdraw(waiter);
    check(ended || cause == RT_WITHDRAWN);
    worker_forget_deadline(joiner);
  }
  rt_waiter_free(waiter);
  if (ended) joined_as = rt_job_phase(job);
  worker_free(joiner);
}

static void join_for_ever(void) {
  rt_waiter *waiter = rt_waiter_new(&joiner->driver);
  if (!rt_job_await(job, waiter)) {
    rt_waiter_park(waiter, &joiner->task, RT_OP_JOIN);
    check(worker_wait(joiner) == RT_FIRED);
    check(rt_waiter_withdraw(waiter));
  }
  rt_waiter_free(waiter);
  joined_as = rt_job_phase(job);
  check(joined_as >= RT_DONE);
  worker_free(joiner);
}

/* Exactly one outcome: that of its run if it has begun, or else that it was cancelled. */
static void end(void) {
  rt_phase phase = rt_job_phase(job);
  check(phase == (begun ? ended_as : RT_CANCELLED));
  check(joined_as == RT_QUEUED || joined_as == phase);
  check(phase != RT_CANCELLED || cancel_was_pending[0] || cancel_was_pending[1]);
  check(!cancel_received || begun);
  rt_job_drop(job);
  rt_runtime_drop(runtime);
}

static const model models[] = {
    {.says = "job: of a beginning, an end and two cancels exactly one decides what it ends with, "
             "and tasks that wait for it are woken",
     .begin = begin,
     .fibers = {{"runner", run_job},
                {"canceller", cancel_0},
                {"another", cancel_1},
                {"joiner", join_for_ever}},
     .end = end,
     .bugs = {{"its lock did not exclude other threads", BUG_NOT_LOCKED, "rt_lock_take(&j->lock)"},
              {"a ring before the joiner sleeps were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "job: a waiter that is withdrawn either was called or is never called",
     .begin = begin,
     .fibers = {{"runner", run_job}, {"canceller", cancel_0}, {"joiner", join_for_a_while}},
     .end = end,
     .bugs = {{"the waiter were read without the lock", BUG_OWN, "reads without the lock"},
              {"the lock of the job did not exclude other threads", BUG_NOT_LOCKED,
               "rt_lock_take(&j->lock)"}}},
};

EXPLORE(models)
