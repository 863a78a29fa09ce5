/* run/signals.h - the handlers of SIGINT, SIGTERM and SIGQUIT.
**
** The first SIGINT or SIGTERM asks the main chunk to end: if it waits, its wait raises; if Lua code
** runs, in any coroutine, a hook raises there (lua.c sets one in its signal handler, too). The
** second one ends the process with the code 128 + signal.
**
** Beside lua_sethook, a handler uses: fields of the worker that are volatile or atomic,
** rt_mailbox_post, which is lock-free, rt_driver_ring (uv_async_send) and write(2), all
** async-signal-safe.
*/
#ifndef RT_RUN_SIGNALS_H
#define RT_RUN_SIGNALS_H

#include "worker/worker.h"

/* rt-lua: handles SIGINT, SIGTERM, and SIGQUIT, which writes a dump to stderr. */
void rt_signals_own(rt_worker *w);
/* rt as a module of another interpreter: handles SIGINT while the main chunk waits; while it runs,
** the handler that was there before is called (that of lua.c). Does nothing if SIGINT is
** ignored. */
void rt_signals_share(rt_worker *w);

/* At the prompt SIGINT ends a statement, and not the session: the next signal is the first. */
static inline void rt_signals_forgive(rt_worker *w) { w->signals.interrupted = 0; }

/* The worker is closed: the handlers find none from now on. */
void rt_signals_forget(rt_worker *w);

#endif
