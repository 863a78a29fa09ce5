#include "event/thread_pool.h"

enum { IDLE_SECONDS = 10 };

/* After a thread could not be had, for so long none is asked for to hurry an item. */
#define HURRY_PAUSE (100 * RT_MILLISECOND)

struct rt_thread_pool {
  /* fixed */
  int max_threads, most_threads, max_queued;
  size_t stack;
  /* under the lock */
  rt_lock lock;
  rt_cond item_queued;
  rt_list queue;
  int queued, threads, idle;
  uint64_t hurry_at; /* clock: no thread is asked for to hurry an item before that; 0: no limit */
  bool closed;
  int refs; /* references: one of the owner, one of each thread */
};

rt_thread_pool *rt_thread_pool_new(int threads, int most, int queue, size_t stack) {
  rt_thread_pool *p = rt_calloc(sizeof *p);
  if (p == NULL) return NULL;
  p->max_threads = threads;
  p->most_threads = most;
  p->max_queued = queue;
  p->stack = stack;
  p->refs = 1;
  rt_list_init(&p->queue);
  if (rt_lock_init(&p->lock) != 0) goto no_lock;
  if (rt_cond_init(&p->item_queued) != 0) goto no_cond;
  return p;
no_cond:
  rt_lock_close(&p->lock);
no_lock:
  rt_free(p);
  return NULL;
}

/* Drops a reference and gives the lock. */
static void release_locked(rt_thread_pool *p) {
  bool last = --p->refs == 0;
  rt_lock_give(&p->lock);
  if (!last) return;
  rt_cond_close(&p->item_queued);
  rt_lock_close(&p->lock);
  rt_free(p);
}

/* Waits for the next item; NULL: the thread was idle for IDLE_SECONDS, or the thread pool is
** closed. */
static rt_work_item *next_item_locked(rt_thread_pool *p) {
  uint64_t until = rt_clock() + IDLE_SECONDS * RT_SECOND;
  bool in_time = true;
  while (rt_list_is_empty(&p->queue) && !p->closed && in_time) {
    p->idle++;
    in_time = rt_cond_wait_until(&p->item_queued, &p->lock, until);
    p->idle--;
  }
  if (p->closed) return NULL;
  rt_list *l = rt_list_take(&p->queue);
  if (l == NULL) return NULL;
  p->queued--;
  rt_work_item *item = rt_containerof(l, rt_work_item, link);
  item->state = RT_WORK_ITEM_BEGUN;
  return item;
}

static void pool_thread_main(void *arg) {
  rt_thread_pool *p = arg;
  rt_work_item *item;
  rt_lock_take(&p->lock);
  while ((item = next_item_locked(p)) != NULL) {
    rt_lock_give(&p->lock);
    item->work(item);
    rt_lock_take(&p->lock);
    item->state = RT_WORK_ITEM_FINISHED;
    item->on_done(item, !item->dropped); /* the item may be freed by now */
  }
  p->threads--;
  release_locked(p);
}

static int add_thread_locked(rt_thread_pool *p) {
  rt_thread thread;
  int err = rt_thread_start(&thread, p->stack, pool_thread_main, p);
  if (err != 0) return err;
  rt_thread_detach(thread);
  p->threads++;
  p->refs++;
  return 0;
}

int rt_thread_pool_submit(rt_thread_pool *p, rt_work_item *item) {
  int err = 0;
  rt_lock_take(&p->lock);
  if (p->queued >= p->max_queued) {
    err = -EAGAIN;
  } else {
    /* 'idle' includes threads that were signalled and have not taken their item yet */
    if (p->queued >= p->idle && p->threads < p->max_threads) err = add_thread_locked(p);
    if (p->threads > 0) err = 0; /* another thread will execute it */
    if (err == 0) {
      item->state = RT_WORK_ITEM_QUEUED;
      item->dropped = false;
      rt_list_append(&p->queue, &item->link);
      p->queued++;
      rt_cond_signal(&p->item_queued);
    }
  }
  rt_lock_give(&p->lock);
  return err;
}

/* (A thread that was signalled and has not taken its item yet counts as idle: it will take this
** item or another one.) */
bool rt_thread_pool_hurry(rt_thread_pool *p, const rt_work_item *item) {
  rt_lock_take(&p->lock);
  bool waits = item->state == RT_WORK_ITEM_QUEUED && p->threads < p->most_threads;
  if (waits && p->queued > p->idle && (p->hurry_at == 0 || rt_clock() >= p->hurry_at))
    p->hurry_at = add_thread_locked(p) == 0 ? 0 : rt_clock() + HURRY_PAUSE;
  rt_lock_give(&p->lock);
  return waits;
}

rt_work_item_state rt_thread_pool_drop(rt_thread_pool *p, rt_work_item *item) {
  rt_lock_take(&p->lock);
  rt_work_item_state state = item->state;
  item->dropped = true;
  if (state == RT_WORK_ITEM_QUEUED) {
    rt_list_remove(&item->link);
    p->queued--;
  }
  rt_lock_give(&p->lock);
  return state;
}

void rt_thread_pool_close(rt_thread_pool *p) {
  rt_lock_take(&p->lock);
  p->closed = true;
  rt_cond_broadcast(&p->item_queued);
  release_locked(p);
}
