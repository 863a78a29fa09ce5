/* spec/ground/driver.c - event/driver.c: what wakes the tasks of one worker. The tasks here have no
** coroutines. */
#include "check.h"
#include "event/driver.h"
#include "is_empty.h"

#include <sys/resource.h>

enum { TASKS = 500 };

static int resumed;
static void run(rt_driver *d, rt_task *t) {
  (void)d, (void)t;
  resumed++;
}

static void task_init(rt_task *t, uint64_t id) {
  rt_task_init(t, id);
  t->phase = RT_RUNNING;
}

static rt_task *next_ready(rt_driver *d) {
  rt_task *t = rt_ready_take(&d->ready);
  if (t == NULL) {
    rt_ready_flip(&d->ready);
    t = rt_ready_take(&d->ready);
  }
  return t;
}

static void driver_init(rt_driver *d) { must("a driver starts", rt_driver_init(d, run) == 0); }

/* --- the clock -------------------------------------------------------------------------------- */
/* Returns how many tasks wake much too late. */
static int sleep_all(void) {
  static rt_task tasks[TASKS];
  rt_driver d;
  uint64_t until = check_deadline(20), much = 500 * check_slow() * RT_MILLISECOND;
  int woken = 0, early = 0, late = 0, disorder = 0;
  uint64_t due[TASKS], before = 0;
  driver_init(&d);
  for (int i = 0; i < TASKS; i++) {
    uint64_t ns = below(200 * RT_MILLISECOND);
    task_init(&tasks[i], (uint64_t)i);
    due[i] = rt_clock() + ns;
    rt_task_sleep(&tasks[i], &d.wheel, rt_driver_after(&d, ns));
  }
  check("a driver with timers is not empty", !is_empty(&d));
  while (woken < TASKS && rt_clock() < until) {
    rt_task *t;
    rt_driver_park(&d);
    uint64_t now = rt_clock();
    while ((t = next_ready(&d)) != NULL) {
      uint64_t tick = t->timer.due;
      woken++;
      early += now < due[t->id];
      late += now > due[t->id] + much;
      disorder += tick < before;
      before = tick;
    }
  }
  check("every sleeper wakes, none early", woken == TASKS && early == 0);
  check("… in the order of their times", disorder == 0);
  check("a driver with nothing left is empty", is_empty(&d));
  rt_driver_close(&d);
  return late;
}

static void check_sleep(void) {
  int late = sleep_all();
  for (int i = 1; i < ATTEMPTS && late > 0; i++) late = sleep_all();
  check("… and none is much too late", late == 0);
}

static void check_ticks(void) {
  rt_driver d;
  driver_init(&d);
  uint64_t tick = rt_driver_tick(&d), soon = rt_driver_after(&d, 1),
           later = rt_driver_after(&d, RT_SECOND);
  check("a moment from now is a later tick than the one that has passed", soon > tick);
  check("a second is a thousand ticks", later >= soon + 999 && later <= soon + 1100);
  check("what is very far is never", rt_driver_after(&d, UINT64_MAX) == RT_NEVER &&
                                         rt_driver_after(&d, UINT64_MAX / 2) == RT_NEVER);
  rt_driver_close(&d);
}

static void check_no_block(void) {
  rt_driver d;
  rt_task ready, sleeper;
  driver_init(&d);
  task_init(&ready, 1);
  task_init(&sleeper, 2);
  rt_task_sleep(&sleeper, &d.wheel, rt_driver_after(&d, 10 * RT_SECOND));
  rt_ready_add(&d.ready, &ready);
  uint64_t until = rt_clock() + 5 * check_slow() * RT_SECOND;
  rt_driver_park(&d);
  check("a driver does not block while somebody may run", rt_clock() < until);
  rt_driver_poll(&d);
  check("polling does not block", rt_clock() < until);
  check("one that waits for another cause can be called off", sleeper.phase == RT_WAITING);
  rt_driver_wake(&d, &sleeper, RT_WITHDRAWN);
  check("… and is taken off what it waited on", rt_wheel_next(&d.wheel) == RT_NEVER &&
                                                    sleeper.cause == RT_WITHDRAWN &&
                                                    sleeper.phase == RT_RUNNING);
  check("those who may run come in order", next_ready(&d) == &ready && next_ready(&d) == &sleeper);
  rt_driver_close(&d);
}

/* --- resuming at once ------------------------------------------------------------------------- */
static void check_resume(void) {
  rt_driver d;
  rt_task task, chunk;
  rt_list list;
  driver_init(&d);
  rt_list_init(&list);
  task_init(&task, 1);
  task_init(&chunk, 0);
  chunk.is_main = 1;
  rt_task_park(&task, RT_OP_READ, NULL, &list);
  rt_task_park(&chunk, RT_OP_READ, NULL, &list);
  resumed = 0;
  rt_driver_resume(&d, &task);
  check("a task that is resumed runs at once",
        resumed == 1 && rt_ready_is_idle(&d.ready) && task.cause == RT_FIRED);
  rt_driver_resume(&d, &chunk);
  check("the main chunk, which is below on the stack, is only queued",
        resumed == 1 && next_ready(&d) == &chunk);
  check("both are off the list", rt_list_is_empty(&list));
  rt_driver_close(&d);
}

/* --- other threads ---------------------------------------------------------------------------- */
enum { THREADS = 3, POSTS_EACH = 256 };

typedef struct sent_post {
  rt_post post;
  rt_atomic(bool) on_its_way;
} sent_post;

typedef struct writer {
  rt_thread thread;
  rt_driver *to;
  rt_random random;
  int posts;
  sent_post sent[POSTS_EACH];
} writer;

static int delivered;
static void deliver(rt_post *p, void *reader) {
  (void)reader;
  delivered++;
  rt_store(&rt_containerof(p, sent_post, post)->on_its_way, false);
}

static void write_all(void *arg) {
  writer *w = arg;
  for (int i = 0; i < w->posts; i++) {
    sent_post *l = &w->sent[i % POSTS_EACH];
    while (rt_load(&l->on_its_way)) usleep(10);
    l->post.deliver = deliver;
    rt_store(&l->on_its_way, true);
    rt_mailbox_post(&w->to->mailbox, &l->post);
    if (rt_random_next(&w->random) % 32 == 0) usleep(20);
  }
}

static void check_post(void) {
  static writer writers[THREADS];
  rt_driver d;
  int total = 0;
  uint64_t until = check_deadline(60), parks = 0;
  driver_init(&d);
  delivered = 0;
  for (int i = 0; i < THREADS; i++) {
    writers[i].to = &d;
    writers[i].posts = MANY(100000);
    writers[i].random.state = rt_random_next(&check_random);
    total += writers[i].posts;
    must("a thread starts",
         rt_thread_start(&writers[i].thread, 256 * 1024, write_all, &writers[i]) == 0);
  }
  /* (there is no timer: if a bell is lost, this blocks until alarm() kills the test) */
  while (delivered < total) {
    rt_driver_park(&d);
    parks++;
  }
  printf("# %d posts, %llu parks\n", total, (unsigned long long)parks);
  check("a parked driver hears of every post of other threads",
        delivered == total && rt_clock() < until);
  for (int i = 0; i < THREADS; i++) rt_thread_join(writers[i].thread);
  rt_driver_close(&d);
}

static void ring_soon(void *driver) {
  usleep(20000);
  rt_driver_ring(driver);
}

static void check_ring(void) {
  rt_driver d;
  rt_thread thread;
  driver_init(&d);
  must("a thread starts", rt_thread_start(&thread, 256 * 1024, ring_soon, &d) == 0);
  rt_driver_park(&d);
  check("the bell ends a park", true);
  rt_thread_join(thread);
  rt_driver_ring(&d);
  rt_driver_park(&d);
  check("one that rang before is heard, too", true);
  rt_driver_close(&d);
}

/* --- handles ---------------------------------------------------------------------------------- */
static int closed;
static void close_handle(rt_uv_handle *h) {
  closed++;
  rt_driver_remove_uv_handle(h);
}

static void check_close(void) {
  rt_driver d;
  rt_uv_handle handles[3];
  driver_init(&d);
  for (int i = 0; i < 3; i++) rt_driver_add_uv_handle(&d, &handles[i], close_handle);
  check("a driver with handles is not empty", !is_empty(&d));
  rt_driver_remove_uv_handle(&handles[1]);
  closed = 0;
  rt_driver_close(&d);
  check("a driver that closes closes what it has, once", closed == 2);
}

static void check_many(void) {
  bool all = true;
  int before = count_descriptors();
  for (int i = 0; i < 300; i++) {
    rt_driver d;
    all = all && rt_driver_init(&d, run) == 0;
    rt_driver_ring(&d);
    if (i % 2) rt_driver_park(&d);
    rt_driver_close(&d);
  }
  check("drivers come and go, and leave no descriptor", all && count_descriptors() == before);
#if RT_DEBUG
  rt_driver d;
  rt_alloc_fail(1, 1);
  check("without memory there is no driver", rt_driver_init(&d, run) == UV_ENOMEM);
  rt_alloc_fail(0, 0);
#endif
}

/* --- without descriptors ---------------------------------------------------------------------- */
static void check_descriptors(void) {
  enum { MOST = 8 }; /* a loop needs fewer */
  struct rlimit old, few;
  int before = count_descriptors(), started = 0, failed = 0;
  must("the limit is known", getrlimit(RLIMIT_NOFILE, &old) == 0);
  few = old;
  for (int free = 0; free <= MOST; free++) {
    rt_driver d;
    few.rlim_cur = (rlim_t)(before + free);
    must("the limit is set", setrlimit(RLIMIT_NOFILE, &few) == 0);
    if (rt_driver_init(&d, run) == 0) {
      started++;
      rt_driver_close(&d);
    } else {
      failed++;
    }
  }
  setrlimit(RLIMIT_NOFILE, &old);
  check("some drivers start and some do not, with so few descriptors", started > 0 && failed > 0);
  check("a driver that cannot start leaves no descriptor", count_descriptors() == before);
}

int main(void) {
  check_begin(120);
  check_ticks();
  check_sleep();
  check_no_block();
  check_resume();
  check_ring();
  check_post();
  check_close();
  check_many();
  check_descriptors();
  return check_end();
}
