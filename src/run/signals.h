/* run/signals.h - Ctrl-C.
**
** The first one asks the main chunk to end: if it waits, its wait raises; if Lua code
** runs, in whatever coroutine, a hook raises there (a signal handler may set one: that
** is how lua.c does it).  The second one ends the process, with 128 + the signal.
*/
#ifndef RT_RUN_SIGNALS_H
#define RT_RUN_SIGNALS_H

#include "worker/worker.h"

/* rt-lua: SIGINT and SIGTERM are ours, and SIGQUIT, which makes a dump. */
void rt_signals_own(rt_worker *w);
/* A module in somebody else's interpreter: SIGINT is ours only while the main chunk
** waits; else it goes to whoever had it (lua.c). */
void rt_signals_share(rt_worker *w);
/* The worker goes. */
void rt_signals_forget(rt_worker *w);

#endif
