/* run/cancelled.h - rt.Cancelled, the error that unwinds a cancelled task.
**
** It has a reason, any value, and a source: the line that cancelled the task, or what did. That of
** a cancel scope carries the serial number of the scope, so that rt.timeout knows its own.
*/
#ifndef RT_RUN_CANCELLED_H
#define RT_RUN_CANCELLED_H

#include "worker/worker.h"

/* Stack: reason, source -> the error. 'scope' is the serial number of a cancel scope, or 0. */
void rtL_cancelled_push(lua_State *L, rt_worker *w, uint64_t scope);

/* Raises it; its reason and its source are on top. */
int rtL_cancelled_raise(lua_State *L, rt_worker *w);

/* Is the value at 'index' the error of the cancel scope with this serial number? */
bool rt_cancelled_is_of(lua_State *L, rt_worker *w, int index, uint64_t serial);

/* Defines the class and pushes rt.Cancelled, its metatable. */
void rtL_cancelled_class(lua_State *L, rt_worker *w);

#endif
