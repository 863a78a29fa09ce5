/* sched/runtime.c - the error of a task that nobody joins, and a main worker that goes meanwhile. */
#include "sched/job.h"
#include "model_worker.h"

static const rt_shared_kind job_kind = {"task", rt_job_free, 0};

static rt_runtime *runtime;
static rt_job *job; /* a reference each: of the worker, and of the handle */
static worker *boss;
static int times_told, times_heard, exit_code;
static bool gone_early;

static void tell(rt_failure_record *r) {
  if (rt_job_mark_handled(rt_job_of(r->owner))) times_told++;
  rt_shared_drop(r->owner);
}

static void on_orphan(rt_post *p, void *driver) {
  check(driver == &boss->driver);
  tell(rt_containerof(p, rt_failure_record, post));
}

static void on_failure(rt_post *p, void *driver) {
  check(driver == &boss->driver);
  rt_runtime_failure_received(rt_containerof(p, rt_runtime, failure_post));
}

static void on_exit_asked(rt_post *p, void *driver) {
  check(driver == &boss->driver && exit_code == 0);
  exit_code = rt_containerof(p, rt_runtime, exit_post)->exit_code;
}

static void begin(void) {
  boss = worker_new();
  runtime = rt_runtime_new(&boss->driver);
  runtime->on_unjoined_failure = on_orphan;
  runtime->failure_post.deliver = on_failure;
  runtime->exit_post.deliver = on_exit_asked;
  job = rt_job_new(&job_kind, runtime, 1, "here", NULL);
  rt_job_begin(job, NULL, NULL);
  rt_job_hold(job);
  times_told = times_heard = exit_code = 0;
  gone_early = false;
}

/* --- the others --------------------------------------------------------------------------------------- */
static void end_job(void) {
  rt_job_end(job, RT_FAILED, NULL, "it fails");
  rt_job_drop(job);
}

static void drop_handle(void) { rt_job_drop(job); }

static void join_once(void) {
  if (rt_job_phase(job) == RT_FAILED) times_heard += rt_job_mark_handled(job);
  rt_job_drop(job);
}

static void ask_to_exit(void) { rt_runtime_request_exit(runtime, 3); }
static void ask_too(void) { rt_runtime_request_exit(runtime, 4); }

/* --- the main worker ------------------------------------------------------------------------------------- */
static void tell_all(void) {
  for (rt_failure_record *r; (r = rt_runtime_take_failure(runtime)) != NULL;) tell(r);
}

static void go(void) {
  rt_runtime_close(runtime);
  rt_mailbox_drain(&boss->driver.mailbox);
  worker_free(boss);
}

static void wait_and_go(void) {
  while (times_told + times_heard == 0) rt_driver_park(&boss->driver);
  go();
}

/* At the end all errors on record are told. */
static void go_at_once(void) {
  tell_all();
  go();
  gone_early = times_told == 0;
}

static void wait_for_exit(void) {
  while (exit_code == 0) rt_driver_park(&boss->driver);
  go();
}

/* --- afterwards --------------------------------------------------------------------------------------------- */
static void end_told(void) {
  check(times_told == 1);
  rt_runtime_drop(runtime);
}

static void end_perhaps_told(void) {
  check(times_told + times_heard <= 1);
  check(times_told + times_heard == 1 || gone_early);
  rt_runtime_drop(runtime);
}

static void end_asked(void) {
  check(exit_code == 3 || exit_code == 4);
  end_job();
  drop_handle();
  rt_runtime_drop(runtime);
}

static const model models[] = {
    {.says = "office: the error of a task whose last handle goes is told once",
     .begin = begin,
     .fibers = {{"main", wait_and_go}, {"worker", end_job}, {"handle", drop_handle}},
     .end = end_told,
     .bugs = {{"the bell were not heard before the main worker sleeps", DEAF, "uv_async_send"},
              {"two holders could both be the last", TORN, "rt_sub(&t->holders)"}}},
    {.says = "office: at the end an error is told, or heard by who joins, once, or nobody is there",
     .begin = begin,
     .fibers = {{"main", go_at_once}, {"worker", end_job}, {"joiner", join_once}},
     .end = end_perhaps_told,
     .bugs = {{"a thing were held by who finds it going", TORN, "rt_cas(&t->holders)"}}},
    {.says = "office: of two who ask for the end one is heard",
     .begin = begin,
     .fibers = {{"main", wait_for_exit}, {"one", ask_to_exit}, {"another", ask_too}},
     .end = end_asked,
     .bugs = {{"the bell were not heard before the main worker sleeps", DEAF, "uv_async_send"}}},
};

EXPLORE(models)
