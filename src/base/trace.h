/* base/trace.h - a log of what tasks do, in debug builds: RT_TRACE names the file. */
#ifndef RT_BASE_TRACE_H
#define RT_BASE_TRACE_H

#include "base/base.h"

#if RT_DEBUG
/* Writes a line "milliseconds worker what task more". Any thread. worker: 0 is the main worker,
** those of the pool count from 1, those of rt.spawn_blocking from 1001. more: may be NULL. */
void rt_trace(int worker, const char *what, uint64_t task, const char *more);
#else
#define rt_trace(worker, what, task, more) ((void)(worker), (void)(task))
#endif

#endif
