/* worker/start_queue.h - the handles, functions and arguments of tasks that have not begun.
**
** A task that has not begun has no coroutine on whose stack these values could be. They are in a
** FIFO queue, in the order of the tasks in the ready queue. There, only tasks of one priority keep
** their order, so each priority has a queue. The queue is a ring in a Lua table, which is enlarged
** when values are put in, so that taking them out cannot raise. Worker's thread.
*/
#ifndef RT_WORKER_START_QUEUE_H
#define RT_WORKER_START_QUEUE_H

#include "worker/anchors.h"

#include <stdint.h>

typedef struct rt_start_queue {
  lua_State *anchors, *pcall_L;
  int ring;             /* the anchor */
  uint32_t size;        /* of the ring; a power of two, or 0 */
  uint32_t head, count; /* the first value (modulo size), and how many values are in the queue */
} rt_start_queue;

/* ring: RT_ANCHOR_START_QUEUE, or one of the anchors after it. */
void rt_start_queue_init(rt_start_queue *q, lua_State *anchors, lua_State *pcall_L, int ring);

/* Moves the values on top of L to the end of the queue. If it raises, nothing was moved. */
void rtL_start_queue_put(lua_State *L, rt_start_queue *q, int values);

/* Moves the first values of the queue to the top of 'to', which has room for them. */
void rt_start_queue_take(rt_start_queue *q, lua_State *to, int values);
/* Drops the first values. */
void rt_start_queue_drop(rt_start_queue *q, int values);

#endif
