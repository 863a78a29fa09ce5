/* worker/traceback.h - tracebacks of errors that are caught and raised again.
**
** The traceback of an error is lost when the error leaves a protected call, or goes to another
** task. So code of rt that catches an error in order to raise it again records the error here with
** its traceback, and the message handler that gets the same error next finds the record. There is
** one record a worker, of the last such error. Worker's thread.
*/
#ifndef RT_WORKER_TRACEBACK_H
#define RT_WORKER_TRACEBACK_H

#include "worker/worker.h"

/* A message handler, for protected calls whose errors are raised again: records the traceback. */
int rtL_traceback_handler(lua_State *L);

/* Pushes the traceback that was recorded for the error at 'error'. False: none was, and nothing is
** pushed. */
bool rt_traceback_find(lua_State *L, rt_worker *w, int error);

/* Raises an error again, and records its traceback. Stack: error, traceback. The next message
** handler puts the functions that are active there in front. */
int rtL_traceback_raise(lua_State *L, rt_worker *w);
/* The same, for a traceback that is complete: the next message handler adds nothing. */
int rtL_traceback_raise_whole(lua_State *L, rt_worker *w);

/* Pushes "stack traceback: …" of the running coroutine from 'level' on, for the error at 'error';
** if a traceback was recorded for that error, with it. The record is removed, so that a later,
** equal error does not get it. */
void rtL_traceback_where(lua_State *L, rt_worker *w, int error, int level);

#endif
