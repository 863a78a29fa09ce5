/* event/thread_pool.h - threads for calls that block.
**
** A bounded number of threads, started when there is work and ended after an idle
** while; a bounded queue.  A call that does not come back (a name server that is
** silent) holds up its thread and nothing else, not even the end of the process: the
** thread pool is shared by whoever still uses it, and the last one frees it.
*/
#ifndef RT_EVENT_THREAD_POOL_H
#define RT_EVENT_THREAD_POOL_H

#include "base/list.h"

typedef enum rt_work_item_state {
  RT_WORK_ITEM_QUEUED,
  RT_WORK_ITEM_BEGUN,
  RT_WORK_ITEM_FINISHED /* 'done' has been called */
} rt_work_item_state;

typedef struct rt_work_item {
  /* fixed */
  void (*work)(struct rt_work_item *); /* on a thread of the thread pool */
  void (*done)(struct rt_work_item *,
               bool wanted); /* there too, with the thread pool's lock held */
  /* under the thread pool's lock */
  rt_list link;
  rt_work_item_state state;
  bool dropped;
} rt_work_item;

typedef struct rt_thread_pool rt_thread_pool;

rt_thread_pool *rt_thread_pool_new(int threads, int queue, size_t stack); /* NULL: no memory */

/* 0; -EAGAIN, the queue is full; or why no thread could be started */
int rt_thread_pool_submit(rt_thread_pool *c, rt_work_item *item);

/* Its owner wants it no more.  QUEUED: it has been taken back, and is the owner's.
** BEGUN: it is the thread's now, which will call 'done' with wanted = false.
** FINISHED: 'done' has been called with wanted = true. */
rt_work_item_state rt_thread_pool_drop(rt_thread_pool *c, rt_work_item *item);

/* Its owner goes, having dropped its work items; those begun end by themselves. */
void rt_thread_pool_close(rt_thread_pool *c);

#endif
