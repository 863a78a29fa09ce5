/* run/cancelled.h - rt.Cancelled, the error that unwinds a cancelled task.
**
** The error has a reason, which can be any value, and a source: the line that cancelled the task,
** or a text like "rt.timeout". The error of a cancel scope also has the serial number of the scope,
** by which rt.timeout recognizes the error of its own scope. Worker's thread.
*/
#ifndef RT_RUN_CANCELLED_H
#define RT_RUN_CANCELLED_H

#include "worker/worker.h"

/* Stack: reason, source -> the error. 'scope' is the serial number of a cancel scope, or 0. */
void rtL_cancelled_push(lua_State *L, rt_worker *w, uint64_t scope);

/* Stack: reason, source. Raises the error of a cancel of the whole task. */
int rtL_cancelled_raise(lua_State *L, rt_worker *w);

/* Is the value at 'index' the error of the cancel scope with this serial number? */
bool rt_cancelled_is_of(lua_State *L, rt_worker *w, int index, uint64_t serial);

/* Defines the class and pushes rt.Cancelled, its metatable. */
void rtL_cancelled_class(lua_State *L, rt_worker *w);

#endif
