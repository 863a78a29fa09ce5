/* run/drain.h - whether the last task and the last pool worker have ended.
**
** At the end of the program the main chunk waits for that (run/stop.c). All of it is the main
** worker's.
*/
#ifndef RT_RUN_DRAIN_H
#define RT_RUN_DRAIN_H

#include "worker/worker.h"

/* No pool worker is left. */
bool rt_drain_workers_ended(const rt_worker *w);

/* Nor a task of this state. */
bool rt_drain_is_complete(const rt_worker *w);

/* A task has ended, or a pool worker: resumes the main chunk if it waits for the last of them. */
void rt_drain_notify(rt_worker *w);

#endif
