/* worker/stack_depth.h - how many functions are active in a coroutine. Worker's thread. */
#ifndef RT_WORKER_STACK_DEPTH_H
#define RT_WORKER_STACK_DEPTH_H

#include "worker/compat.h"

#include <stdbool.h>

/* The number of levels that lua_getstack knows; 0: the coroutine has not begun, or has returned. A
** binary search, O(log n) calls of lua_getstack, each of which is O(level). */
int rt_stack_depth(lua_State *co);

/* Are more functions active than that? (A recursion without end reaches a million before Lua raises
** "stack overflow".) To find the outermost ones, the list of all is walked some forty times, which
** takes 3 to 15 ms here, and seconds for a million: tracebacks of deep stacks leave them out. */
enum { RT_STACK_DEPTH_LARGE = 20000 };
bool rt_stack_depth_is_large(lua_State *co);

#endif
