/* run/outcome.h - what a task ended with, and who hears of it.
**
** A number or a boolean fits in the task's record.  Other results are kept in a table
** of the state whose keys, the handles, are weak: when nobody can ask any more, they go.
**
** An error is kept as a failure: the value, the traceback, and whether anybody has
** joined it.  A failure that is collected, or that is there at the end, without having
** been joined is an error that nobody heard of; it goes to rt.on_unhandled.
*/
#ifndef RT_RUN_OUTCOME_H
#define RT_RUN_OUTCOME_H

#include "worker/worker.h"

/* The user values of a failure. */
enum { RT_FAILURE_ERROR = 1, RT_FAILURE_TRACE, RT_FAILURE_TASK };

/* The message handler under which tasks run: remembers the traceback, leaves the
** error as it is. */
int rtL_outcome_traceback(lua_State *L);

/* Both are called in the task's coroutine, with its handle at stack index 'handle', and
** return how it ended.  Its function has returned what is at 'first' and above … */
rt_phase rtL_outcome_keep(lua_State *L, rt_worker *w, rt_task *t, int handle, int first);
/* … or it has failed with the error on top. */
rt_phase rtL_outcome_keep_error(lua_State *L, rt_worker *w, rt_task *t, int handle, uint32_t site);

/* Pushes the traceback that the handler has noted for the running coroutine. */
void rtL_outcome_take_trace(lua_State *L, rt_worker *w);

/* Raises an error that came out of a task.  Stack: the error, its traceback, the task's
** title.  The traceback is noted for the handler that is told of the error next. */
int rtL_outcome_raise(lua_State *L, rt_worker *w);

/* Pushes the results of a task that has ended, or raises its error. */
int rtL_outcome_push(lua_State *L, rt_worker *w, rt_task *t, int handle);

/* Every failure that nobody has joined becomes unhandled now. */
void rtL_outcome_flush(lua_State *L, rt_worker *w);

/* Takes the oldest unhandled failure and pushes it.  0: there is none. */
int rtL_outcome_unhandled(lua_State *L, rt_worker *w);
/* Replaces the failure on top by its error, its traceback, its task's title and the task. */
void rtL_outcome_unpack(lua_State *L, rt_worker *w);
void rtL_outcome_classes(lua_State *L, rt_worker *w);

#endif
