/* spec/ground/thread_pool.c - event/thread_pool.c: threads for calls that block. */
#include "check.h"
#include "event/thread_pool.h"

enum { STACK = 256 * 1024 };

/* --- a gate: work items wait until it is open ------------------------------------------------- */
static struct {
  rt_lock lock;
  rt_cond changed;
  bool open;
  int inside, max_inside; /* work items that are being executed; the maximum of that */
  int worked, wanted, unwanted;
} gate;

static void gate_init(void) {
  must("there is a lock", rt_lock_init(&gate.lock) == 0 && rt_cond_init(&gate.changed) == 0);
}

static void gate_set(bool open) {
  rt_lock_take(&gate.lock);
  gate.open = open;
  if (!open) gate.max_inside = gate.worked = gate.wanted = gate.unwanted = 0;
  rt_cond_broadcast(&gate.changed);
  rt_lock_give(&gate.lock);
}

static void count(int *what) {
  rt_lock_take(&gate.lock);
  ++*what;
  rt_cond_broadcast(&gate.changed);
  rt_lock_give(&gate.lock);
}

/* Waits until the counter has this value, ten seconds at most (check_deadline). True: it has. */
static bool reaches(const int *what, int value) {
  uint64_t until = check_deadline(10);
  bool in_time = true;
  rt_lock_take(&gate.lock);
  while (*what != value && in_time) in_time = rt_cond_wait_until(&gate.changed, &gate.lock, until);
  bool there = *what == value;
  rt_lock_give(&gate.lock);
  return there;
}

static void work(rt_work_item *item) {
  (void)item;
  rt_lock_take(&gate.lock);
  if (++gate.inside > gate.max_inside) gate.max_inside = gate.inside;
  rt_cond_broadcast(&gate.changed);
  while (!gate.open) rt_cond_wait(&gate.changed, &gate.lock);
  gate.inside--;
  gate.worked++;
  rt_lock_give(&gate.lock);
}

static void done(rt_work_item *item, bool wanted) {
  (void)item;
  count(wanted ? &gate.wanted : &gate.unwanted);
}

static rt_work_item new_item(void) {
  rt_work_item c = {.work = work, .on_done = done};
  return c;
}

static void submit_all(rt_thread_pool *c, rt_work_item *items, int n) {
  for (int i = 0; i < n; i++) {
    items[i] = new_item();
    rt_list_init(&items[i].link);
    must("a chore is taken", rt_thread_pool_submit(c, &items[i]) == 0);
  }
}

/* --- the bounds ------------------------------------------------------------------------------- */
static void check_bounds(void) {
  enum { THREADS = 3, QUEUE = 5 };
  rt_work_item items[THREADS + QUEUE], more = new_item();
  rt_thread_pool *c = rt_thread_pool_new(THREADS, THREADS, QUEUE, STACK);
  must("there is memory", c != NULL);
  gate_set(false);
  rt_list_init(&more.link);
  submit_all(c, items, THREADS);
  check("as many threads are started as there is work, up to the bound",
        reaches(&gate.inside, THREADS));
  submit_all(c, items + THREADS, QUEUE);
  check("a full queue refuses", rt_thread_pool_submit(c, &more) == -EAGAIN);
  check("a chore that was refused is on no list", rt_list_is_empty(&more.link));
  gate_set(true);
  check("all that was taken is done", reaches(&gate.wanted, THREADS + QUEUE));
  check("… by no more threads than the bound", gate.max_inside == THREADS);
  check("and there is room again",
        rt_thread_pool_submit(c, &more) == 0 && reaches(&gate.wanted, THREADS + QUEUE + 1));
  rt_thread_pool_close(c);
}

static void check_idle(void) {
  rt_work_item item;
  rt_thread_pool *c = rt_thread_pool_new(8, 8, 8, STACK);
  must("there is memory", c != NULL);
  gate_set(false);
  gate_set(true);
  for (int i = 1; i <= 100; i++) {
    submit_all(c, &item, 1);
    must("it is done", reaches(&gate.wanted, i));
  }
  check("one chore after the other is done at once", gate.worked == 100 && gate.max_inside == 1);
  rt_thread_sleep(RT_MILLISECOND); /* the thread may need a moment before it waits */
  rt_work_item two[2];
  gate_set(false);
  submit_all(c, two, 2);
  check("two chores for one idle thread do not wait for each other", reaches(&gate.inside, 2));
  gate_set(true);
  must("they are done", reaches(&gate.wanted, 2));
  rt_thread_pool_close(c);
}

/* --- calls that do not return ----------------------------------------------------------------- */
static void check_hurry(void) {
  enum { THREADS = 2, MOST = 4, EXTRA = 4 };
  rt_work_item items[THREADS], more[EXTRA];
  rt_thread_pool *c = rt_thread_pool_new(THREADS, MOST, 8, STACK);
  must("there is memory", c != NULL);
  gate_set(false);
  submit_all(c, items, THREADS);
  must("they begin", reaches(&gate.inside, THREADS));
  check("a chore that has begun needs no thread", !rt_thread_pool_hurry(c, &items[0]));
  submit_all(c, more, EXTRA);
  check("one that waits in the queue may have one more",
        rt_thread_pool_hurry(c, &more[0]) && reaches(&gate.inside, THREADS + 1));
  check("… and the next one, too",
        rt_thread_pool_hurry(c, &more[1]) && reaches(&gate.inside, MOST));
  check("but there is a bound", !rt_thread_pool_hurry(c, &more[3]));
  rt_thread_pool_drop(c, &items[0]);
  rt_thread_pool_drop(c, &more[3]);
  gate_set(true);
  check("all that is wanted is done", reaches(&gate.wanted, THREADS + EXTRA - 2));
  check("… by no more threads than the higher bound",
        gate.max_inside == MOST && reaches(&gate.unwanted, 1));
  rt_thread_pool_close(c);
}

/* --- dropping --------------------------------------------------------------------------------- */
static void check_drop(void) {
  rt_work_item items[4], finished, again;
  rt_thread_pool *c = rt_thread_pool_new(1, 1, 3, STACK);
  must("there is memory", c != NULL);
  gate_set(false);
  submit_all(c, items, 1);
  must("it begins", reaches(&gate.inside, 1));
  submit_all(c, items + 1, 3);
  check("a queued chore can be taken back",
        rt_thread_pool_drop(c, &items[2]) == RT_WORK_ITEM_QUEUED);
  submit_all(c, &again, 1);
  check("one that has begun cannot", rt_thread_pool_drop(c, &items[0]) == RT_WORK_ITEM_BEGUN);
  gate_set(true);
  check("the others are done", reaches(&gate.wanted, 3) && reaches(&gate.unwanted, 1));
  check("… and the one taken back never", gate.worked == 4);
  submit_all(c, &finished, 1);
  must("it is done", reaches(&gate.wanted, 4));
  check("one that is finished was wanted",
        rt_thread_pool_drop(c, &finished) == RT_WORK_ITEM_FINISHED && gate.unwanted == 1);
  rt_thread_pool_close(c);
}

/* --- closing ---------------------------------------------------------------------------------- */
static void check_close(void) {
  enum { THREADS = 4, QUEUE = 8 };
  rt_work_item items[THREADS + QUEUE];
  int begun = 0, queued = 0;
  rt_thread_pool *c = rt_thread_pool_new(THREADS, THREADS, QUEUE, STACK);
  must("there is memory", c != NULL);
  gate_set(false);
  submit_all(c, items, THREADS);
  must("they begin", reaches(&gate.inside, THREADS));
  submit_all(c, items + THREADS, QUEUE);
  for (int i = 0; i < THREADS + QUEUE; i++) {
    rt_work_item_state state = rt_thread_pool_drop(c, &items[i]);
    begun += state == RT_WORK_ITEM_BEGUN;
    queued += state == RT_WORK_ITEM_QUEUED;
  }
  rt_thread_pool_close(c);
  check("closing does not wait for what has begun",
        gate.worked == 0 && begun == THREADS && queued == QUEUE);
  gate_set(true);
  check("what has begun ends later, unwanted",
        reaches(&gate.unwanted, THREADS) && gate.wanted == 0);
  check("… and what was queued does not begin", gate.worked == THREADS);
}

static void check_close_idle(void) {
  rt_thread_pool *c = rt_thread_pool_new(4, 4, 4, STACK);
  must("there is memory", c != NULL);
  rt_thread_pool_close(c);
  check("a crew that never worked can be closed", true);
}

/* --- random: several owners, which drop some of their items ----------------------------------- */
enum { OWNERS = 3, EACH = 64, ROUNDS = 2000000 };

typedef enum fate { FREE, SUBMITTED, GIVEN_UP } fate;

typedef struct job {
  rt_work_item item;
  rt_atomic(int) ended; /* how often 'on_done' was called */
  rt_atomic(bool) wanted;
  rt_atomic(int) worked;
  fate fate;
} job;

typedef struct owner {
  rt_thread_pool *thread_pool;
  rt_thread thread;
  rt_random random;
  job jobs[EACH];
  int refused, taken_back, given_up, finished;
  bool right;
} owner;

static void quick_work(rt_work_item *item) {
  job *j = rt_containerof(item, job, item);
  rt_add(&j->worked, 1);
  if ((uintptr_t)j / sizeof *j % 4 == 0) usleep(20); /* some items take longer */
}

static void quick_done(rt_work_item *item, bool wanted) {
  job *j = rt_containerof(item, job, item);
  rt_store(&j->wanted, wanted);
  rt_add(&j->ended, 1);
}

static void submit(owner *o, job *j) {
  j->item = (rt_work_item){.work = quick_work, .on_done = quick_done};
  rt_list_init(&j->item.link);
  rt_store(&j->ended, 0);
  rt_store(&j->worked, 0);
  int err = rt_thread_pool_submit(o->thread_pool, &j->item);
  o->refused += err == -EAGAIN;
  o->right = o->right && (err == 0 || err == -EAGAIN);
  if (err == 0) j->fate = SUBMITTED;
}

static void drop(owner *o, job *j) {
  switch (rt_thread_pool_drop(o->thread_pool, &j->item)) {
    case RT_WORK_ITEM_QUEUED:
      o->taken_back++;
      o->right = o->right && rt_load(&j->ended) == 0 && rt_load(&j->worked) == 0;
      j->fate = FREE;
      break;
    case RT_WORK_ITEM_BEGUN:
      o->given_up++;
      j->fate = GIVEN_UP;
      break;
    case RT_WORK_ITEM_FINISHED: /* 'on_done' was called before that, under the lock */
      o->finished++;
      o->right = o->right && rt_load(&j->ended) == 1 && rt_load(&j->wanted);
      j->fate = FREE;
      break;
  }
}

static void check_job(owner *o, job *j) {
  int ended = rt_load(&j->ended);
  if (ended == 0) return;
  o->right = o->right && ended == 1 && rt_load(&j->worked) == 1 &&
             rt_load(&j->wanted) == (j->fate == SUBMITTED);
  j->fate = FREE;
}

static void own(void *arg) {
  owner *o = arg;
  for (int i = 0; i < MANY(ROUNDS) && o->right; i++) {
    job *j = &o->jobs[rt_random_next(&o->random) % EACH];
    bool gives_up = rt_random_next(&o->random) % 3 == 0;
    if (j->fate == FREE)
      submit(o, j);
    else if (j->fate == SUBMITTED && gives_up)
      drop(o, j);
    else
      check_job(o, j);
  }
}

static bool has_settled(owner *o) {
  bool settled = true;
  for (int i = 0; i < EACH; i++) {
    if (o->jobs[i].fate != FREE) check_job(o, &o->jobs[i]);
    settled = settled && o->jobs[i].fate == FREE;
  }
  return settled;
}

static void check_chance(void) {
  static owner owners[OWNERS];
  rt_thread_pool *c = rt_thread_pool_new(4, 4, 50, STACK);
  bool right = true, settled = true;
  int refused = 0, taken_back = 0, given_up = 0, finished = 0;
  must("there is memory", c != NULL);
  for (int i = 0; i < OWNERS; i++) {
    owners[i].thread_pool = c;
    owners[i].right = true;
    owners[i].random.state = rt_random_next(&check_random);
    must("a thread starts", rt_thread_start(&owners[i].thread, STACK, own, &owners[i]) == 0);
  }
  for (int i = 0; i < OWNERS; i++) {
    rt_thread_join(owners[i].thread);
    for (uint64_t until = check_deadline(10); !has_settled(&owners[i]) && rt_clock() < until;)
      usleep(5000);
    settled = settled && has_settled(&owners[i]);
    right = right && owners[i].right;
    refused += owners[i].refused;
    taken_back += owners[i].taken_back;
    given_up += owners[i].given_up;
    finished += owners[i].finished;
  }
  printf("# %d refused, %d taken back, %d given up, %d dropped when finished\n", refused,
         taken_back, given_up, finished);
  check("every chore is taken back, or done once: wanted if nobody had dropped it", right);
  check("… and none is forgotten", settled);
  rt_thread_pool_close(c);
}

/* --- no memory -------------------------------------------------------------------------------- */
#if RT_DEBUG
static void check_shortage(void) {
  rt_work_item item, more[2];
  rt_alloc_fail(1, 1);
  rt_thread_pool *c = rt_thread_pool_new(4, 4, 4, STACK);
  check("without memory there is no crew", c == NULL);
  c = rt_thread_pool_new(4, 4, 4, STACK);
  must("there is memory", c != NULL);
  item = new_item();
  rt_list_init(&item.link);
  rt_alloc_fail(1, 1);
  check("a chore that no thread could do is refused",
        rt_thread_pool_submit(c, &item) == -ENOMEM && rt_list_is_empty(&item.link));
  gate_set(false);
  submit_all(c, &item, 1);
  must("it begins", reaches(&gate.inside, 1));
  rt_alloc_fail(1, 1);
  submit_all(c, more, 2);
  rt_alloc_fail(0, 0);
  gate_set(true);
  check("when one more thread cannot be had, those that are there do it", reaches(&gate.wanted, 3));
  rt_thread_pool_close(c);
}

static bool is_all_free(long before) {
  for (uint64_t until = check_deadline(10); rt_alloc_blocks() != before && rt_clock() < until;)
    usleep(5000);
  return rt_alloc_blocks() == before;
}
#endif

int main(void) {
  check_begin(120);
  gate_init();
#if RT_DEBUG
  long before = rt_alloc_blocks();
#endif
  check_bounds();
  check_idle();
  check_hurry();
  check_drop();
  check_close();
  check_close_idle();
  check_chance();
#if RT_DEBUG
  check_shortage();
  check("the last user of a crew frees it", is_all_free(before));
#endif
  return check_end();
}
