#include "event/thread_pool.h"

enum { IDLE_SECONDS = 10 };

struct rt_thread_pool {
  /* fixed */
  int most_threads, most_queued;
  size_t stack;
  /* under lock */
  rt_lock lock;
  rt_cond work;
  rt_list queue;
  int queued, threads, idle;
  bool closed;
  int refs; /* the owner and each thread */
};

rt_thread_pool *rt_thread_pool_new(int threads, int queue, size_t stack) {
  rt_thread_pool *c = rt_calloc(sizeof *c);
  if (c == NULL) return NULL;
  c->most_threads = threads;
  c->most_queued = queue;
  c->stack = stack;
  c->refs = 1;
  rt_list_init(&c->queue);
  if (rt_lock_init(&c->lock) != 0) goto no_lock;
  if (rt_cond_init(&c->work) != 0) goto no_cond;
  return c;
no_cond:
  rt_lock_close(&c->lock);
no_lock:
  rt_free(c);
  return NULL;
}

/* gives the lock */
static void drop_locked(rt_thread_pool *c) {
  bool last = --c->refs == 0;
  rt_lock_give(&c->lock);
  if (!last) return;
  rt_cond_close(&c->work);
  rt_lock_close(&c->lock);
  rt_free(c);
}

/* The next work item, or NULL after an idle while. */
static rt_work_item *next_locked(rt_thread_pool *c) {
  uint64_t until = rt_clock() + IDLE_SECONDS * RT_SECOND;
  bool in_time = true;
  while (rt_list_empty(&c->queue) && !c->closed && in_time) {
    c->idle++;
    in_time = rt_cond_wait_until(&c->work, &c->lock, until);
    c->idle--;
  }
  if (c->closed) return NULL;
  rt_list *l = rt_list_take(&c->queue);
  if (l == NULL) return NULL;
  c->queued--;
  rt_work_item *item = rt_containerof(l, rt_work_item, link);
  item->state = RT_WORK_ITEM_BEGUN;
  return item;
}

static void thread_main(void *arg) {
  rt_thread_pool *c = arg;
  rt_work_item *item;
  rt_lock_take(&c->lock);
  while ((item = next_locked(c)) != NULL) {
    rt_lock_give(&c->lock);
    item->work(item);
    rt_lock_take(&c->lock);
    item->state = RT_WORK_ITEM_FINISHED;
    item->done(item, !item->dropped); /* it may be gone now */
  }
  c->threads--;
  drop_locked(c);
}

static int add_thread_locked(rt_thread_pool *c) {
  rt_thread t;
  int err = rt_thread_start(&t, c->stack, thread_main, c);
  if (err != 0) return err;
  rt_thread_detach(t);
  c->threads++;
  c->refs++;
  return 0;
}

int rt_thread_pool_submit(rt_thread_pool *c, rt_work_item *item) {
  int err = 0;
  rt_lock_take(&c->lock);
  if (c->queued >= c->most_queued) {
    err = -EAGAIN;
  } else {
    if (c->queued >= c->idle && c->threads < c->most_threads) err = add_thread_locked(c);
    if (c->threads > 0) err = 0; /* slower, but somebody will do it */
    if (err == 0) {
      item->state = RT_WORK_ITEM_QUEUED;
      item->dropped = false;
      rt_list_append(&c->queue, &item->link);
      c->queued++;
      rt_cond_signal(&c->work);
    }
  }
  rt_lock_give(&c->lock);
  return err;
}

rt_work_item_state rt_thread_pool_drop(rt_thread_pool *c, rt_work_item *item) {
  rt_lock_take(&c->lock);
  rt_work_item_state state = item->state;
  item->dropped = true;
  if (state == RT_WORK_ITEM_QUEUED) {
    rt_list_remove(&item->link);
    c->queued--;
  }
  rt_lock_give(&c->lock);
  return state;
}

void rt_thread_pool_close(rt_thread_pool *c) {
  rt_lock_take(&c->lock);
  c->closed = true;
  rt_cond_broadcast(&c->work);
  drop_locked(c);
}
