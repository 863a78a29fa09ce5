/* event/thread_pool.h - threads for calls that block (io/resolve.c: getaddrinfo).
**
** The number of threads is bounded, and so is the queue of work items. A thread is started when
** there is more work than idle threads, and ends after it was idle for some seconds. The first
** bound is for calls that return soon. When all threads are in calls that do not (a name server
** does not answer), the owner of an item that has waited in the queue for a while asks for one more
** thread (rt_thread_pool_hurry), up to a second, higher bound; so such calls delay others by that
** while only, until there are as many of them. Nor do they delay the end of the process: the thread
** pool is reference-counted by its owner and its threads, and the last of them frees it.
*/
#ifndef RT_EVENT_THREAD_POOL_H
#define RT_EVENT_THREAD_POOL_H

#include "base/list.h"

typedef enum rt_work_item_state {
  RT_WORK_ITEM_QUEUED,
  RT_WORK_ITEM_BEGUN,   /* a thread executes it */
  RT_WORK_ITEM_FINISHED /* 'on_done' was called */
} rt_work_item_state;

typedef struct rt_work_item {
  /* fixed */
  void (*work)(struct rt_work_item *); /* called on a thread of the thread pool */
  /* Called after 'work', on the same thread, under the lock. wanted: it was not dropped. */
  void (*on_done)(struct rt_work_item *, bool wanted);
  /* under the lock of the thread pool */
  rt_list link;
  rt_work_item_state state;
  bool dropped;
} rt_work_item;

typedef struct rt_thread_pool rt_thread_pool;

/* A thread pool of at most 'threads' threads, or 'most' with those of rt_thread_pool_hurry, each
** with 'stack' bytes of stack, and at most 'queue' items in its queue. NULL: no memory. */
rt_thread_pool *rt_thread_pool_new(int threads, int most, int queue, size_t stack);

/* Any thread: queues an item, which must live until it is taken back or finished. 0; -EAGAIN:
** the queue is full; another error: there is no thread and none could be started. */
int rt_thread_pool_submit(rt_thread_pool *p, rt_work_item *item);

/* Any thread: if the item is still in the queue, the thread pool starts one more thread, unless it
** has 'most' of them, or none could be had in the last 100 ms. True: it may be worth calling this
** again after a while, since the item is in the queue, and its thread may take another one. */
bool rt_thread_pool_hurry(rt_thread_pool *p, const rt_work_item *item);

/* Any thread: the item is no longer wanted. Returns the state in which it was.
** QUEUED: it was taken back and belongs to the owner.
** BEGUN: it belongs to the thread, which will call 'on_done' with wanted = false.
** FINISHED: 'on_done' was called with wanted = true. */
rt_work_item_state rt_thread_pool_drop(rt_thread_pool *p, rt_work_item *item);

/* Any thread: drops the owner's reference. All items must be finished or dropped before. Threads
** that execute dropped items end after them. */
void rt_thread_pool_close(rt_thread_pool *p);

#endif
