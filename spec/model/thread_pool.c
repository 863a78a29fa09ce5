/* spec/model/thread_pool.c - model of event/thread_pool.c: a work item is executed once, taken
** back, or finished without being wanted. */
#include "event/thread_pool.h"
#include "explore.h"

enum { ITEMS = 2 };

static rt_thread_pool *thread_pool;
static rt_work_item *items;
static int worked[ITEMS], done[ITEMS];
static bool wanted[ITEMS], queued[ITEMS];
static rt_lock lock;
static rt_cond some_done;

static void work(rt_work_item *c) {
  worked[c - items]++;
  rt_chaos_delay();
}

static void finish(rt_work_item *c, bool is_wanted) {
  done[c - items]++;
  wanted[c - items] = is_wanted;
  rt_lock_take(&lock);
  rt_cond_signal(&some_done);
  rt_lock_give(&lock);
}

static void begin(void) {
  thread_pool = rt_thread_pool_new(1, 1, 2, 1);
  rt_lock_init(&lock);
  rt_cond_init(&some_done);
  items = rt_malloc(ITEMS * sizeof *items);
  for (int i = 0; i < ITEMS; i++) {
    items[i] = (rt_work_item){.work = work, .on_done = finish};
    rt_list_init(&items[i].link);
    worked[i] = done[i] = 0;
    wanted[i] = queued[i] = false;
  }
}

static void submit(int n) {
  queued[n] = rt_thread_pool_submit(thread_pool, &items[n]) == 0;
  check(queued[n]);
}

static void await(int n) {
  rt_lock_take(&lock);
  while (done[n] == 0) rt_cond_wait(&some_done, &lock);
  rt_lock_give(&lock);
}

/* The thread may end when the second item is submitted, as it was idle for long enough. */
static void submit_two(void) {
  submit(0);
  await(0);
  submit(1);
  if (!seeded("closes early")) await(1);
  rt_thread_pool_close(thread_pool);
}

static rt_work_item_state dropped_as;

static void free_items(void) {
  rt_free(items);
  items = NULL;
}

static void submit_and_drop(void) {
  submit(0);
  submit(1);
  dropped_as = rt_thread_pool_drop(thread_pool, &items[1]);
  if (dropped_as == RT_WORK_ITEM_FINISHED) check(done[1] == 1 && wanted[1]);
  if (dropped_as == RT_WORK_ITEM_QUEUED) check(worked[1] == 0);
  await(0);
  rt_thread_pool_close(thread_pool);
  if (seeded("frees at once")) free_items();
}

static void close_all(void) {
  if (items) free_items();
  rt_cond_close(&some_done);
  rt_lock_close(&lock);
}

static void end(void) {
  for (int i = 0; i < ITEMS; i++) check(worked[i] == 1 && done[i] == 1 && wanted[i]);
  close_all();
}

static void end_dropped(void) {
  check(worked[0] == 1 && done[0] == 1);
  check(worked[1] == (dropped_as != RT_WORK_ITEM_QUEUED) && done[1] == worked[1]);
  check(dropped_as != RT_WORK_ITEM_BEGUN || !wanted[1]);
  close_all();
}

static const model models[] = {
    {.says =
         "thread pool: an item is executed, though the thread was about to end for want of work",
     .begin = begin,
     .fibers = {{"owner", submit_two}},
     .end = end,
     .bugs = {{"its owner closed the pool before", BUG_OWN, "closes early"}}},
    {.says = "thread pool: an item that is dropped is taken back, or finished without a result",
     .begin = begin,
     .fibers = {{"owner", submit_and_drop}},
     .end = end_dropped,
     .bugs = {{"an owner that drops it freed it without a check whether it has begun", BUG_OWN,
               "frees at once"}}},
};

EXPLORE(models)
