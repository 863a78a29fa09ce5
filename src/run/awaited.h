/* run/awaited.h - tasks that a cancelled task waits for.
**
** A task that computes, or is blocked in a call, keeps the other tasks of its worker from running.
** One of these may have opened the rt.scope of which that task is a part, or join it. When it is
** cancelled, it could cancel the task in turn, or end, but it does not run. So after SIGINT or
** SIGTERM, when the main chunk waits for the end of cancelled tasks, the task that runs is
** cancelled without it (run/preempt.c, run/blocked.c).
**
** All functions: worker's thread.
*/
#ifndef RT_RUN_AWAITED_H
#define RT_RUN_AWAITED_H

#include "worker/worker.h"

/* The task runs. Is it cancelled, or does a cancelled task of this worker wait for it, perhaps for
** one that waits for it, and is none of them in a shield? Also in a signal handler, while the task
** is blocked in a call. */
bool rt_awaited_is_cancelled(rt_worker *w, rt_task *t);

/* If a cancelled task waits for this one, which runs: cancels it, and those in between. */
void rt_awaited_cancel(rt_worker *w, rt_task *t);

#endif
