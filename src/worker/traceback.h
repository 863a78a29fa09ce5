/* worker/traceback.h - where an error comes from that is raised again.
**
** A traceback is lost when an error goes through a protected call, or to another task. So
** whoever catches one to raise it again notes it here, with what is known; the handler that is
** told of the same error next finds it.
*/
#ifndef RT_WORKER_TRACEBACK_H
#define RT_WORKER_TRACEBACK_H

#include "worker/worker.h"

/* A message handler for calls whose errors are raised again: notes the traceback. */
int rtL_traceback_handler(lua_State *L);

/* Pushes what was noted for the error at 'error', if it was. */
bool rtL_traceback_find(lua_State *L, rt_worker *w, int error);

/* Raises an error again.  Stack: the error, its traceback: that is noted. */
int rtL_traceback_raise(lua_State *L, rt_worker *w);
/* The same, and it says all: who raises has added nothing to it. */
int rtL_traceback_raise_whole(lua_State *L, rt_worker *w);

/* "stack traceback: …" of the running function from 'level' on; for an error that was noted, with
** what was.  Who asks has it then: an equal error of later has nothing to do with it. */
void rtL_traceback_where(lua_State *L, rt_worker *w, int error, int level);

#endif
