/* base/trace.h - what happens, a line each: debug builds write it to the file that RT_TRACE names. */
#ifndef RT_BASE_TRACE_H
#define RT_BASE_TRACE_H

#include "base/base.h"

#if RT_DEBUG
/* "milliseconds worker what task more"; worker 0 is the main one, those that block count from
** 1001 */
void rt_trace(int worker, const char *what, uint64_t task, const char *more);
#else
#define rt_trace(worker, what, task, more) ((void)(worker), (void)(task))
#endif

#endif
