/* worker/start_queue.h - where tasks are before they begin.
**
** A task that has not begun has no coroutine; its handle, its function and its
** arguments stand in a queue, in step with the queue of those who may run.  The queue
** is a ring in a Lua table that is made large enough beforehand, so taking out of it
** never raises.
*/
#ifndef RT_NURSERY_H
#define RT_NURSERY_H

#include "worker/anchors.h"

#include <stdint.h>

typedef struct rt_nursery {
  lua_State *keep, *hand;
  uint32_t size; /* of the ring; a power of two, or 0 */
  uint32_t head, count;
} rt_nursery;

void rt_nursery_init(rt_nursery *n, lua_State *keep, lua_State *hand);

/* Moves the top n values of L to the end of the queue.  On an error nothing was. */
void rtL_nursery_put(lua_State *L, rt_nursery *n, int values);

/* Moves the first n values of the queue to the top of 'to', which has room for them. */
void rt_nursery_take(rt_nursery *n, lua_State *to, int values);
void rt_nursery_drop(rt_nursery *n, int values);

#endif
