/* worker/stack_depth.h - how many functions are active in a coroutine. */
#ifndef RT_WORKER_STACK_DEPTH_H
#define RT_WORKER_STACK_DEPTH_H

#include "worker/compat.h"

/* The number of levels that lua_getstack knows; 0: the coroutine has not begun, or has returned. A
** binary search, O(log n) calls of lua_getstack, each of which is O(level). */
int rt_stack_depth(lua_State *co);

#endif
