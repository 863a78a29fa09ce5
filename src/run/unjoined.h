/* run/unjoined.h - an error that no task has joined for a while is told while the program runs.
**
** The handle of a failed task may be kept where nobody joins it. So when a task has failed, a timer
** of its worker (a job: of the main worker) fires after the time of rt.configure{unjoined}, and
** run/unhandled reports each error that has not been joined by then. A later join raises it all the
** same. Tasks of groups are left out: what opened the group takes care of them. Worker's thread.
*/
#ifndef RT_RUN_UNJOINED_H
#define RT_RUN_UNJOINED_H

#include "worker/worker.h"

/* A task has failed at the time 'since' (rt_clock). Sets the timer, unless it is set. */
void rt_unjoined_watch(rt_worker *w, uint64_t since);

/* The timer has fired: errors of tasks that failed at this time or before are due. The timer is not
** set any more. */
uint64_t rt_unjoined_due(rt_worker *w);

#endif
