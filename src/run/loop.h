/* run/loop.h - the loop of a worker: the only place that resumes tasks.
**
** A turn resumes every task that was ready when it began, once each, and then polls the mailbox,
** the timers and the OS; if no task is ready, the worker blocks there. Within a turn they are
** polled after 61 resumes or 2 ms.
*/
#ifndef RT_RUN_LOOP_H
#define RT_RUN_LOOP_H

#include "event/driver.h"
#include "worker/anchors.h"

struct rt_worker;

/* Called by an operation of the main chunk that waits: runs the other tasks until the main task is
** ready. L is the coroutine in which the main chunk waits. */
void rtL_loop_drive(struct rt_worker *w, lua_State *L);

/* The loop of a pool worker: begins jobs and runs tasks until unwind.requested is set and its tasks
** have ended, or the grace is over. */
void rt_loop_serve(struct rt_worker *w);

/* The hook 'run': resumes one ready task until it waits or ends. */
void rt_loop_run(rt_driver *d, rt_task *t);

#endif
