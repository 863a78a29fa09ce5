/* worker/start_queue.h - where tasks are before they begin.
**
** A task that has not begun has no coroutine; its handle, its function and its
** arguments stand in a queue, in step with the queue of those who may run.  The queue
** is a ring in a Lua table that is made large enough beforehand, so taking out of it
** never raises.
*/
#ifndef RT_WORKER_START_QUEUE_H
#define RT_WORKER_START_QUEUE_H

#include "worker/anchors.h"

#include <stdint.h>

typedef struct rt_start_queue {
  lua_State *anchors, *pcall_L;
  uint32_t size; /* of the ring; a power of two, or 0 */
  uint32_t head, count;
} rt_start_queue;

void rt_start_queue_init(rt_start_queue *n, lua_State *anchors, lua_State *pcall_L);

/* Moves the top n values of L to the end of the queue.  On an error nothing was. */
void rtL_start_queue_put(lua_State *L, rt_start_queue *n, int values);

/* Moves the first n values of the queue to the top of 'to', which has room for them. */
void rt_start_queue_take(rt_start_queue *n, lua_State *to, int values);
void rt_start_queue_drop(rt_start_queue *n, int values);

#endif
