/* run/stop.h - the end of rt in one Lua state. */
#ifndef RT_RUN_STOP_H
#define RT_RUN_STOP_H

#include "worker/worker.h"

/* The main chunk has ended: the tasks are cancelled and unwind, within the grace; those
** that are left are closed as they stand; errors that nobody joined are told.  Harmless
** twice.  Called outside of tasks, protected. */
void rtL_stop(lua_State *L, rt_worker *w);
/* The same where nobody could be told of an error: it raises none. */
void rtL_stop_quietly(lua_State *L, rt_worker *w);

/* The main worker goes: if its stop came to nothing, since there was no memory, the workers of
** the pools end now, and what they had to say is lost.  Needs no memory. */
void rt_stop_part(rt_worker *w);

/* The hook 'leave': the main worker's thread, when a request of run/exit.h is there. L is the coroutine in
** which the main chunk runs or waits. The tasks end first, within the grace. Does not return. */
void rtL_stop_and_exit(rt_worker *w, lua_State *L);

#endif
