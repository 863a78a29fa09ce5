/* run/task_exit.h - the end of a task in its worker, on every path that leads there.
**
** The order is a promise: the task's <close> variables have run and its locks are released before
** any joiner is resumed (G12, G22).
*/
#ifndef RT_RUN_TASK_EXIT_H
#define RT_RUN_TASK_EXIT_H

#include "worker/worker.h"

/* Worker's thread. The task's coroutine has returned, or never ran; 'how' is how the task ended.
** The coroutine is the caller's from then on. */
void rt_task_exit(rt_worker *w, rt_task *t, rt_phase how);

/* Worker's thread. The task is suspended and is never resumed: its <close> variables run now,
** outside of any task, so that they cannot wait; then the task has ended as cancelled. Something
** else than the task's coroutine must hold the handle. */
void rt_task_exit_forced(rt_worker *w, rt_task *t);

#endif
