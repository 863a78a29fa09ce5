/* spec/model/active_threads.c - model of the argument in run/deadlock.c: a deadlock is found by the
** thread that becomes still last, and only then.
**
** Three workers: each gets one post, and then nothing is left to do. The last one to become still
** checks the mailboxes, as run/deadlock.c and sched/runtime.c do, and the main worker checks again.
*/
#include "model_worker.h"

enum { WORKERS = 3, MAIN_WORKER = 0 };

static worker *workers[WORKERS];
static rt_post work_posts[WORKERS], end_posts[WORKERS], stillness_post;
static rt_active_threads active;
static rt_lock lock; /* of stillness_posted */
static bool stillness_posted, suspected;
static bool worked[WORKERS], ended[WORKERS];
static int reports;

static int number_of(const rt_driver *d) {
  int n = 0;
  while (&workers[n]->driver != d) n++;
  return n;
}

static void post_to(rt_post *posts, int to) {
  rt_mailbox_post(&workers[to]->driver.mailbox, &posts[to]);
}

/* --- what is posted --------------------------------------------------------------------------- */
/* Each worker passes the work on to the one before it, which may be still. (are_others_asleep
** checks the mailboxes in the opposite order, so it can miss the work.) */
static void on_work(rt_post *p, void *driver) {
  int n = number_of(driver);
  check(p == &work_posts[n] && reports == 0);
  worked[n] = true;
  if (n != MAIN_WORKER) post_to(work_posts, n - 1);
}

static void on_end(rt_post *p, void *driver) { ended[number_of(driver)] = p->deliver == on_end; }

static void on_stillness_post(rt_post *p, void *driver) {
  (void)p, (void)driver;
  rt_lock_take(&lock);
  stillness_posted = false;
  rt_lock_give(&lock);
  suspected = true;
}

/* --- looking for a deadlock ------------------------------------------------------------------- */
static bool are_others_asleep(void) {
  if (seeded("skips the mailboxes")) return true;
  for (int n = 0; n < WORKERS; n++)
    if (n != MAIN_WORKER && !rt_mailbox_is_asleep(&workers[n]->driver.mailbox)) return false;
  return true;
}

static void post_stillness(void) {
  rt_lock_take(&lock);
  if (!stillness_posted) {
    stillness_posted = true;
    rt_mailbox_post(&workers[MAIN_WORKER]->driver.mailbox, &stillness_post);
  }
  rt_lock_give(&lock);
}

static bool on_stillness(rt_driver *d) {
  if (number_of(d) == MAIN_WORKER) {
    suspected = are_others_asleep();
    return !suspected;
  }
  if (rt_mailbox_is_asleep(&workers[MAIN_WORKER]->driver.mailbox) && are_others_asleep())
    post_stillness();
  return true;
}

static bool is_deadlock(void) {
  uint64_t before = rt_active_threads_read(&active);
  if (rt_load(&workers[MAIN_WORKER]->driver.mailbox.newest) != NULL) return false;
  if (seeded("skips the second check")) return true;
  return rt_active_threads_number(before) == 1 && are_others_asleep() &&
         rt_active_threads_read(&active) == before;
}

/* --- the workers ------------------------------------------------------------------------------ */
static void run_main(void) {
  post_to(work_posts, WORKERS - 1);
  while (reports == 0) {
    rt_driver_park(&workers[MAIN_WORKER]->driver);
    if (suspected && is_deadlock()) reports++;
    suspected = false;
  }
  for (int n = 0; n < WORKERS; n++) check(worked[n]);
  explore_no_more();
  for (int n = MAIN_WORKER + 1; n < WORKERS; n++) post_to(end_posts, n);
  for (int n = MAIN_WORKER + 1; n < WORKERS; n++) wait_until(&ended[n]);
}

static void run_worker(int n) {
  while (!ended[n]) rt_driver_park(&workers[n]->driver);
  rt_active_threads_leave(&active);
}

static void run_1(void) { run_worker(1); }
static void run_2(void) { run_worker(2); }

static void begin(void) {
  active = (rt_active_threads){0};
  stillness_posted = suspected = false;
  reports = 0;
  stillness_post = (rt_post){.deliver = on_stillness_post};
  check(rt_lock_init(&lock) == 0);
  for (int n = 0; n < WORKERS; n++) {
    workers[n] = worker_new();
    workers[n]->driver.active = &active;
    workers[n]->driver.on_stillness = on_stillness;
    work_posts[n] = (rt_post){.deliver = on_work};
    end_posts[n] = (rt_post){.deliver = on_end};
    worked[n] = ended[n] = false;
    rt_active_threads_enter(&active);
  }
}

static void end(void) {
  check(reports == 1);
  for (int n = 0; n < WORKERS; n++) worker_free(workers[n]);
  rt_lock_close(&lock);
}

static const model models[] = {
    {.says = "active threads: the one that becomes still last finds a deadlock, and there is one",
     .begin = begin,
     .fibers = {{"main", run_main}, {"worker 1", run_1}, {"worker 2", run_2}},
     .end = end,
     .bugs = {{"two could become still at once", BUG_NOT_ATOMIC, "rt_sub(&a->word)"},
              {"a thread that is woken were not counted", BUG_NOT_WRITTEN, "rt_add(&a->word)"},
              {"the mailboxes were not checked", BUG_OWN, "skips the mailboxes"},
              {"the main worker did not check again", BUG_OWN, "skips the second check"}}},
};

EXPLORE(models)
