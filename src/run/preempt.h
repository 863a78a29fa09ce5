/* run/preempt.h - no task can freeze the others.
**
** A tick of the worker's own thread (base/cpu_timer.h) finds a task that has been running for longer
** than a whole tick, and sets a hook on its coroutine, which Lua calls at the next
** instruction.  There, in Lua and not in a signal handler, is decided what becomes of it:
**
**   - a cancel or a deadline is due: it is raised, and again after a while (for a task may
**     clean up) as long as the task goes on; after a second it is closed from outside (a task
**     that is cancelled), or every instruction raises (inside a timeout);
**   - a task of the pool, which shares nothing with others (or any, if the program has said
**     so: rt.configure), yields, and goes on in the next
**     turn at the instruction where it was;
**   - any other goes on at once, unless the program is to end (os.exit in a task of the pool,
**     while the main chunk computes).  The next tick tries again.
**
** Nothing is set for a task that behaves, so it pays nothing.
*/
#ifndef RT_RUN_PREEMPT_H
#define RT_RUN_PREEMPT_H

#include "worker/worker.h"

/* Ticks from here on, unless RT_PREEMPT=0, or the signal has an owner already, or there are
** no such timers: then tasks are switched only where they wait.  The worker's thread. */
void rt_preempt_start(rt_worker *w);
static inline void rt_preempt_need(rt_worker *w) {
  if (rt_unlikely(!w->preempt.started)) rt_preempt_start(w);
}
void rt_preempt_stop(rt_worker *w);

/* The running task has swallowed what should end it over and over, where it waits: from its next
** instruction on it is ended as one that computes. */
void rt_preempt_interrupt(rt_worker *w, lua_State *L);

/* For tests: the task about to be resumed is switched after some instructions. */
void rt_preempt_soon(rt_worker *w, lua_State *co);

#endif
