/* run/dump_signal.h - SIGQUIT: a dump on stderr, of all workers of the process. Only in rt-lua.
**
** The watchdog takes the snapshot and writes it (run/dump.h). If it does not run, because the
** program has one state, the main worker does both itself, at its next Lua instruction or where it
** waits.
*/
#ifndef RT_RUN_DUMP_SIGNAL_H
#define RT_RUN_DUMP_SIGNAL_H

#include "worker/worker.h"

/* Main worker, before the handler is set: prepares the watchdog. */
void rt_dump_signal_open(void);

/* The signal handler (run/signals.c), on the thread of the main worker: asks for a dump. NULL: the
** worker has been closed. */
void rt_dump_signal_ask(rt_worker *w);

#endif
