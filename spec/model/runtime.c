/* spec/model/runtime.c - model of sched/runtime.c: the error of a job that no task joins, a request
** to exit, and a main worker that ends meanwhile. */
#include "model_worker.h"
#include "sched/job.h"

static const rt_shared_kind job_kind = {"task", rt_job_free, 0, NULL};

static rt_runtime *runtime;
static rt_job *job; /* with two references: of the worker, and of the handle */
static worker *main_worker;
static int times_reported, times_joined, exit_code;
static bool ended_early;

static void report(rt_failure_record *f) {
  if (rt_job_set_handled(rt_job_of(f->owner))) times_reported++;
  rt_shared_drop(f->owner);
}

static void on_unjoined_failure(rt_post *p, void *driver) {
  check(driver == &main_worker->driver);
  report(rt_containerof(p, rt_failure_record, post));
}

static void on_failure(rt_post *p, void *driver) {
  check(driver == &main_worker->driver);
  rt_runtime_failure_received(rt_containerof(p, rt_runtime, failure_post));
}

static void on_exit_request(rt_post *p, void *driver) {
  check(driver == &main_worker->driver && exit_code == 0);
  exit_code = rt_containerof(p, rt_runtime, exit_post)->exit_code;
}

static void begin(void) {
  main_worker = worker_new();
  runtime = rt_runtime_new(&main_worker->driver);
  runtime->on_unjoined_failure = on_unjoined_failure;
  runtime->failure_post.deliver = on_failure;
  runtime->exit_post.deliver = on_exit_request;
  job = rt_job_new(&job_kind, runtime, 1, "here", NULL);
  rt_job_begin(job, NULL, NULL);
  rt_job_hold(job);
  times_reported = times_joined = exit_code = 0;
  ended_early = false;
}

/* --- other threads ---------------------------------------------------------------------------- */
static void end_job(void) {
  rt_job_end(job, RT_FAILED, NULL, "it fails");
  rt_job_drop(job);
}

static void drop_handle(void) { rt_job_drop(job); }

static void join_once(void) {
  if (rt_job_phase(job) == RT_FAILED) times_joined += rt_job_set_handled(job);
  rt_job_drop(job);
}

static void request_exit(void) { rt_runtime_request_exit(runtime, 3); }
static void request_exit_too(void) { rt_runtime_request_exit(runtime, 4); }

/* --- the main worker -------------------------------------------------------------------------- */
static void report_all(void) {
  for (rt_failure_record *f; (f = rt_runtime_take_failure(runtime)) != NULL;) report(f);
}

static void end_main(void) {
  rt_runtime_close(runtime);
  rt_mailbox_drain(&main_worker->driver.mailbox);
  worker_free(main_worker);
}

static void wait_and_end(void) {
  while (times_reported + times_joined == 0) rt_driver_park(&main_worker->driver);
  end_main();
}

/* At its end the main worker reports all failures on the list. */
static void end_at_once(void) {
  report_all();
  end_main();
  ended_early = times_reported == 0;
}

static void wait_for_exit(void) {
  while (exit_code == 0) rt_driver_park(&main_worker->driver);
  end_main();
}

/* --- afterwards ------------------------------------------------------------------------------- */
static void check_reported(void) {
  check(times_reported == 1);
  rt_runtime_drop(runtime);
}

static void check_at_most_once(void) {
  check(times_reported + times_joined <= 1);
  check(times_reported + times_joined == 1 || ended_early);
  rt_runtime_drop(runtime);
}

static void check_exit_code(void) {
  check(exit_code == 3 || exit_code == 4);
  end_job();
  drop_handle();
  rt_runtime_drop(runtime);
}

static const model models[] = {
    {.says = "runtime: the error of a task whose last handle goes is reported once",
     .begin = begin,
     .fibers = {{"main", wait_and_end}, {"worker", end_job}, {"handle", drop_handle}},
     .end = check_reported,
     .bugs = {{"a ring before the main worker sleeps were lost", BUG_BELL_FORGOTTEN,
               "uv_async_send"},
              {"two holders could both be the last", BUG_NOT_ATOMIC, "rt_sub(&shared->holders)"}}},
    {.says =
         "runtime: at the end an error is reported, or raised by a join, once, or main has ended",
     .begin = begin,
     .fibers = {{"main", end_at_once}, {"worker", end_job}, {"joiner", join_once}},
     .end = check_at_most_once,
     .bugs = {{"a shared object were held while it is being freed", BUG_NOT_ATOMIC,
               "rt_cas(&shared->holders)"}}},
    {.says = "runtime: of two requests to exit one is accepted",
     .begin = begin,
     .fibers = {{"main", wait_for_exit}, {"one", request_exit}, {"another", request_exit_too}},
     .end = check_exit_code,
     .bugs = {{"a ring before the main worker sleeps were lost", BUG_BELL_FORGOTTEN,
               "uv_async_send"}}},
};

EXPLORE(models)
