/* run/end_wait.h - the main chunk waits until the last task and the last pool worker have ended.
**
** It does so at the end of the program; run/stop.c sees to the time limit. All functions: main
** worker's thread; rt_end_wait_task_ended also a pool worker's, where it does nothing.
*/
#ifndef RT_RUN_END_WAIT_H
#define RT_RUN_END_WAIT_H

#include "worker/worker.h"

/* Have all pool workers ended? */
bool rt_end_wait_has_pool_ended(const rt_worker *w);

/* Have all pool workers, and all tasks of this state, ended? Or was the wait given up? */
bool rt_end_wait_is_over(const rt_worker *w);

/* The main chunk waits from 'begin' to 'finish'. */
static inline void rt_end_wait_begin(rt_worker *w) { w->end_wait.main_waits = true; }
static inline void rt_end_wait_finish(rt_worker *w) { w->end_wait.main_waits = false; }

/* Nothing is left but workers that are blocked in a call: wakes the main chunk, and it does not
** wait again. */
void rt_end_wait_give_up(rt_worker *w);

/* Called when a pool worker has ended. If the main chunk waits, and nothing is left to wait for,
** wakes the main chunk. */
void rt_end_wait_notify(rt_worker *w);

/* The same for a task that has ended; 'live' is the number of those that have not. In a child of
** fork, where that is the task that has forked (run/forked.c), it ends the process, before the end
** of the task locks anything. */
static inline void rt_end_wait_task_ended(rt_worker *w, int64_t live) {
  if (live == 0 && w->end_wait.main_waits) rt_end_wait_notify(w);
}

#endif
