/* run/stop.h - the end of rt in one Lua state, on the thread of its main worker.
**
** 1. No new tasks; the tasks are cancelled here and in the pools, and unwind within the grace.
** 2. Tasks that are left are closed by force.
** 3. Errors that no task joined are reported.
** 4. The pools are closed; threads that are still in a C call are left to themselves.
*/
#ifndef RT_RUN_STOP_H
#define RT_RUN_STOP_H

#include "worker/worker.h"

/* The main chunk has ended. Called outside of tasks, in a protected call. Does nothing the second
** time. */
void rtL_stop(lua_State *L, rt_worker *w);

/* The same, but swallows an error: for places from which no error may be raised. */
void rt_stop_quietly(lua_State *L, rt_worker *w);

/* The same in lua_close: objects that are made from now on are never finalized. */
void rt_stop_at_close(lua_State *L, rt_worker *w);

/* The main worker is about to be closed. If rtL_stop failed for lack of memory, the pools end now,
** and errors that they would report are lost. Needs no memory. */
void rt_stop_part(rt_worker *w);

/* The hook 'leave': the main worker's thread, when a request of run/exit.h is there. L is the
** coroutine in which the main chunk runs or waits. The tasks end first, within the grace. Does not
** return. */
void rtL_stop_and_exit(rt_worker *w, lua_State *L);

#endif
