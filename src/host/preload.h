/* host/preload.h - loads the modules of rt.preload in a new pool worker, before its first job.
**
** They are loaded by a task, since a module may wait while it loads. The worker takes no jobs until
** that has ended; if a module fails, every job that the worker begins fails with the error.
*/
#ifndef RT_HOST_PRELOAD_H
#define RT_HOST_PRELOAD_H

#include "worker/worker.h"

/* Worker's thread: spawns the task, if there is anything to load. False: no memory, for which the
** error was popped. */
bool rt_preload_start(rt_worker *w);

#endif
