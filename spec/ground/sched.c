/* spec/ground/sched.c - a scheduler whose workers run no Lua: submitting, waking, stealing,
** stopping. */
#include "check.h"
#include "sched/sched.h"

enum { SLOTS = 4, SUBMITTERS = 3, JOBS = 40000 };

static const rt_shared_kind job_kind = {"task", rt_job_free, 0, NULL};

/* A worker: it takes jobs and ends them. (One thread initializes and closes all drivers: libuv
** closes descriptors with a system call that the thread sanitizer does not see, so it would report
** a race when another thread uses the descriptor's number next.) */
typedef struct pool_worker {
  rt_driver driver;
  bool stop_received;
} pool_worker;

static pool_worker workers[SLOTS];

static rt_atomic(uint64_t) done, started_late;
static rt_atomic(bool) one_is_busy, has_busy_one;
static rt_atomic(int) failures;    /* so many workers after the first cannot be made */
static rt_atomic(bool) must_block; /* the next job blocks until another one is done */

static void run(rt_driver *d, rt_task *t) { (void)d, (void)t; }

static void on_stop(rt_post *p, void *driver) {
  (void)p;
  rt_containerof(driver, pool_worker, driver)->stop_received = true;
}

static void on_ended(rt_post *p, void *driver) { (void)p, (void)driver; }

static void on_cancel(rt_post *p, void *driver) {
  (void)driver;
  rt_job_drop(rt_containerof(p, rt_job, cancel_post));
}

static void block(void) {
  uint64_t before = rt_load(&done), until = check_deadline(20);
  while (rt_load(&done) == before && rt_clock() < until) usleep(100);
}

static void run_job(pool_worker *w, rt_job *j) {
  if (rt_job_begin(j, &w->driver, on_cancel)) {
    if (rt_swap(&must_block, false)) block();
    rt_add(&done, 1);
    rt_job_end(j, RT_DONE, NULL, NULL);
  }
  rt_job_drop(j);
}

/* The first worker that wakes has something else to do until another one has run the job. */
static bool is_kept_busy(rt_slot *slot) {
  if (!rt_load(&one_is_busy) || rt_swap(&has_busy_one, true)) return false;
  uint64_t before = rt_load(&done), until = check_deadline(20);
  rt_slot_leave_idle(slot, true);
  while (rt_load(&done) == before && rt_clock() < until) usleep(100);
  if (rt_load(&done) == before) rt_add(&started_late, 1);
  return true;
}

static void run_worker(rt_slot *slot) {
  pool_worker *w = &workers[slot->number];
  if (slot->number > 0 && rt_load(&failures) > 0) {
    rt_sub(&failures, 1);
    rt_slot_fail(slot, "the test");
    return;
  }
  rt_slot_attach(slot, &w->driver);
  while (!w->stop_received) {
    rt_job *j = rt_sched_take(slot, true);
    if (j) {
      run_job(w, j);
      rt_driver_poll(&w->driver);
    } else if (rt_slot_enter_idle(slot)) {
      rt_driver_park(&w->driver);
      if (!is_kept_busy(slot)) rt_slot_leave_idle(slot, false);
    }
  }
  rt_slot_detach(slot);
  rt_slot_end(slot);
}

static rt_driver driver; /* the main worker's */
static rt_runtime *runtime;

static rt_sched *open_sched(int slots) {
  for (int i = 0; i < SLOTS; i++) {
    must("a driver starts", rt_driver_init(&workers[i].driver, run) == 0);
    workers[i].stop_received = false;
  }
  must("there is a runtime", (runtime = rt_runtime_new(&driver)) != NULL);
  rt_sched_config config = {.slots = slots,
                            .stack = 1 << 20,
                            .run_worker = run_worker,
                            .on_stop = on_stop,
                            .on_ended = on_ended,
                            .runtime = rt_runtime_hold(runtime)};
  rt_sched *s = rt_sched_new(&config);
  must("there is a scheduler, with a worker", s != NULL && rt_sched_start(s) == 0);
  return s;
}

static rt_job *submit(rt_sched *s) {
  rt_job *j = rt_job_new(&job_kind, runtime, 1, "here", NULL);
  must("there is a job", j != NULL);
  rt_job_hold(j);
  must("a job is queued", rt_sched_submit(s, j, NULL) == 0);
  return j;
}

static bool ends(rt_job *j) {
  uint64_t until = check_deadline(20);
  for (uint64_t spins = 0; rt_job_phase(j) < RT_DONE; spins++) {
    if (rt_clock() > until) return false;
    if (spins % 256 == 0) usleep(1);
  }
  return true;
}

static int idle_slots(rt_sched *s) { return __builtin_popcountll(rt_load(&s->idle[0])); }

static void wait_until_all_rest(rt_sched *s) {
  uint64_t until = check_deadline(20);
  while (idle_slots(s) < rt_load(&s->started) && rt_clock() < until) usleep(100);
  must("workers without jobs rest", idle_slots(s) == rt_load(&s->started));
}

static bool stop(rt_sched *s) {
  uint64_t until = check_deadline(20);
  rt_sched_stop(s);
  while (rt_sched_live(s) > 0 && rt_clock() < until) usleep(100);
  bool left = rt_sched_live(s) == 0;
  rt_runtime_close(runtime);
  rt_mailbox_drain(&driver.mailbox);
  rt_sched_close(s);
  for (int i = 0; i < SLOTS; i++) rt_driver_close(&workers[i].driver);
  rt_runtime_drop(runtime);
  return left;
}

/* --- one job at a time, while the workers are about to sleep ---------------------------------- */
static void check_one_by_one(void) {
  bool in_time = true;
  rt_sched *s = open_sched(SLOTS);
  for (int i = 0; i < MANY(50000) && in_time; i++) {
    rt_job *j = submit(s);
    in_time = ends(j);
    rt_job_drop(j);
    for (volatile int rest = (int)below(512); rest > 0; rest--) {}
  }
  check("no job is left lying while a worker sleeps", in_time);
  if (!in_time) exit(EXIT_FAILURE);
  check("workers that are told to end do", stop(s));
}

/* --- a worker that is woken for a job and is busy --------------------------------------------- */
static void check_busy(void) {
  rt_sched *s = open_sched(2);
  rt_job *both[64];
  for (int i = 0; i < 64; i++) both[i] = submit(s); /* more jobs than one thread takes at once */
  for (int i = 0; i < 64; i++) {
    must("a job ends", ends(both[i]));
    rt_job_drop(both[i]);
  }
  if (rt_load(&s->started) == 2) {
    wait_until_all_rest(s);
    rt_store(&one_is_busy, true);
    rt_job *j = submit(s);
    bool in_time = ends(j) && rt_load(&started_late) == 0;
    check("a job is another one's when the one that was woken is busy", in_time);
    rt_job_drop(j);
    rt_store(&one_is_busy, false);
  }
  stop(s);
}

/* --- a second worker cannot be made, and the first is blocked --------------------------------- */
static void check_failures(void) {
  rt_sched *s = open_sched(2);
  uint64_t until = check_deadline(20);
  rt_store(&failures, 2);
  rt_store(&must_block, true);
  rt_job *blocked = submit(s);
  while (rt_load(&must_block) && rt_clock() < until) usleep(100);
  rt_job *queued = submit(s);
  for (; rt_job_phase(queued) < RT_DONE && rt_clock() < until; usleep(1000))
    rt_driver_poll(&driver);
  check("a job is begun by a worker that can be made later", rt_job_phase(queued) == RT_DONE);
  ends(blocked);
  rt_job_drop(blocked);
  rt_job_drop(queued);
  check("these workers end", stop(s));
}

/* --- many threads: conservation --------------------------------------------------------------- */
typedef struct submitter {
  rt_thread thread;
  rt_sched *to;
  rt_random random;
  uint64_t cancelled, submitted;
} submitter;

static void submit_all(void *arg) {
  submitter *s = arg;
  rt_job *last = NULL;
  for (int i = 0; i < MANY(JOBS); i++) {
    uint64_t r = rt_random_next(&s->random);
    rt_job *j = submit(s->to);
    s->submitted++;
    if (r % 4 == 0) rt_job_cancel(j, NULL);
    if (r % 64 == 1 && last) rt_job_cancel(last, NULL);
    if (last) {
      ends(last);
      s->cancelled += rt_job_phase(last) == RT_CANCELLED;
      rt_job_drop(last);
    }
    last = j;
    if (r % 1024 == 2) usleep(r >> 32 & 255);
  }
  ends(last);
  s->cancelled += rt_job_phase(last) == RT_CANCELLED;
  rt_job_drop(last);
}

static void check_many(void) {
  static submitter submitters[SUBMITTERS];
  uint64_t submitted = 0, cancelled = 0;
  rt_sched *s = open_sched(SLOTS);
  rt_store(&done, 0);
  for (int i = 0; i < SUBMITTERS; i++) {
    submitters[i] = (submitter){.to = s};
    submitters[i].random.state = rt_random_next(&check_random);
    must("a thread starts",
         rt_thread_start(&submitters[i].thread, 1 << 20, submit_all, &submitters[i]) == 0);
  }
  for (int i = 0; i < SUBMITTERS; i++) {
    rt_thread_join(submitters[i].thread);
    submitted += submitters[i].submitted;
    cancelled += submitters[i].cancelled;
  }
  wait_until_all_rest(s);
  printf("# %llu jobs, %llu cancelled\n", (unsigned long long)submitted,
         (unsigned long long)cancelled);
  check("every job is done or was cancelled before it began, once",
        rt_load(&done) + cancelled == submitted);
  check("and none is in a queue", rt_load(&s->queued) == 0);
  check("workers that rest are told to end, and do", stop(s));
}

/* --- the end, with jobs in the queues --------------------------------------------------------- */
static void check_end_with_jobs(void) {
  enum { LEFT = 3000 };
  static rt_job *jobs[LEFT];
  bool all_ended = true, refused = true;
  for (int round = 0; round < 20; round++) {
    rt_sched *s = open_sched(SLOTS);
    for (int i = 0; i < LEFT; i++) jobs[i] = submit(s);
    rt_sched_hold(s);
    all_ended = stop(s) && all_ended;
    for (int i = 0; i < LEFT; i++) {
      all_ended = all_ended && rt_job_phase(jobs[i]) >= RT_DONE;
      refused = refused && rt_sched_submit(s, jobs[i], NULL) == UV_ECANCELED;
      rt_job_drop(jobs[i]);
    }
    rt_sched_drop(s);
  }
  check("at the end every job has ended", all_ended);
  check("a scheduler that has stopped takes no job", refused);
}

int main(void) {
  check_begin(240);
  must("a driver starts", rt_driver_init(&driver, run) == 0);
  check_one_by_one();
  check_busy();
  check_failures();
  check_many();
  check_end_with_jobs();
  rt_driver_close(&driver);
#if RT_DEBUG
  check("nothing is leaked", rt_alloc_blocks() == 0);
#endif
  return check_end();
}
