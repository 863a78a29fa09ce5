/* run/drain.h - whether the last task and the last pool worker have ended.
**
** At the end of the program the main chunk waits for that (run/stop.c). All functions: main
** worker's thread.
*/
#ifndef RT_RUN_DRAIN_H
#define RT_RUN_DRAIN_H

#include "worker/worker.h"

/* Have all pool workers ended? */
bool rt_drain_has_pool_ended(const rt_worker *w);

/* Have all pool workers and all tasks of this state ended? */
bool rt_drain_is_complete(const rt_worker *w);

/* Called when a task or a pool worker has ended. If the main chunk waits, and this was the last of
** them, wakes the main chunk. */
void rt_drain_notify(rt_worker *w);

#endif
