/* run/outcome.h - the results or the error of a local task, kept until they are joined.
**
** A number or a boolean fits in the task's record. Other results are kept in RT_ANCHOR_OUTCOMES,
** whose keys, the handles, are weak: a result is collected with its handle.
**
** An error is kept as a failure: the value, the traceback, and whether a task has joined it. A
** failure that is collected, or is left at the end of the program, without having been joined is an
** unhandled error (run/unhandled). Worker's thread.
*/
#ifndef RT_RUN_OUTCOME_H
#define RT_RUN_OUTCOME_H

#include "worker/worker.h"

/* The user values of a failure. */
enum { RT_FAILURE_ERROR = 1, RT_FAILURE_TRACE, RT_FAILURE_TASK };

/* The message handler of tasks: keeps the traceback, by coroutine, and returns the error
** unchanged. */
int rtL_outcome_traceback(lua_State *L);

/* Keeps the results, which are at 'first' and above. Called in the task's coroutine, with the
** handle at index 'handle'. Returns how the task ended. */
rt_phase rtL_outcome_keep(lua_State *L, rt_worker *w, rt_task *t, int handle, int first);

/* The same for a function that has failed: keeps the error on top. */
rt_phase rtL_outcome_keep_error(lua_State *L, rt_worker *w, rt_task *t, int handle, uint32_t site);

/* Pushes the traceback that rtL_outcome_traceback has kept for the running coroutine, and forgets
** it. */
void rtL_outcome_take_trace(lua_State *L, rt_worker *w);

/* Raises the error of a task in a joiner. Stack: error, traceback, title of the task. The traceback
** is recorded for the next message handler (worker/traceback). */
int rtL_outcome_raise(lua_State *L, rt_worker *w);

/* Pushes the results of a task that has ended and returns how many, or raises its error. */
int rtL_outcome_push(lua_State *L, rt_worker *w, rt_task *t, int handle);

/* At the end of the program: every failure that was not joined becomes unhandled now. */
void rtL_outcome_flush(lua_State *L, rt_worker *w);

/* Every failure of that time (rt_clock) or before that was not joined becomes unhandled; it can be
** joined all the same. Returns the time of the oldest other one, or 0. */
uint64_t rtL_outcome_queue_late(lua_State *L, rt_worker *w, uint64_t due);

/* Takes the oldest unhandled failure and pushes it; returns 1. 0: there is none. */
int rt_outcome_unhandled(lua_State *L, rt_worker *w);
/* Stack: failure -> its error, its traceback, the title of its task, the task */
void rtL_outcome_unpack(lua_State *L, rt_worker *w);
void rtL_outcome_classes(lua_State *L, rt_worker *w);

#endif
