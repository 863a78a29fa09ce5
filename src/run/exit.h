/* run/exit.h - a request to end the process: by os.exit(code, true) in a task, or by a shutdown.
**
** A task cannot close the state that it runs in. So it makes a request, and the main worker ends
** the process (rtL_stop_and_exit of run/stop.h) where the main chunk waits, or in the preemption
** hook if it computes.
*/
#ifndef RT_RUN_EXIT_H
#define RT_RUN_EXIT_H

#include "worker/worker.h"

/* Main worker's thread: the process is to end with this exit code. The first request counts. */
void rt_exit_request(rt_worker *w, int code);

/* An error was not handled: the exit code is 1 unless os.exit says otherwise. */
static inline void rt_exit_fail(rt_worker *w) { w->exit.failed = true; }

/* Main worker's thread: takes the request, and returns its exit code. */
static inline int rt_exit_take(rt_worker *w) {
  w->exit.requested = false;
  return w->exit.code;
}

/* os.exit ends the process without a request: requests that come now have no effect. */
static inline void rt_exit_begin(rt_worker *w) { w->exit.has_code = true; }

/* Stack: the os.exit that was there before rt, or nil -> nothing. Keeps it for
** rtL_exit_call_original. */
void rtL_exit_set_original(lua_State *L, rt_worker *w);

/* Calls the original os.exit, which closes the state if 'close' is true and ends the process. Does
** not return, unless the program had replaced os.exit before it loaded rt. */
void rtL_exit_call_original(lua_State *L, rt_worker *w, int code, bool close);

#endif
