/* run/grace_timer.h - the timer of a worker that fires when its tasks have had time to end.
**
** A worker has one. It belongs first to rt.shutdown (run/shutdown.c), then to the end of the state
** (run/unwind.c of a pool worker, run/stop.c of the main worker). Worker's thread.
*/
#ifndef RT_RUN_GRACE_TIMER_H
#define RT_RUN_GRACE_TIMER_H

#include "worker/worker.h"

/* The timer does not fire any more. */
static inline void rt_grace_timer_clear(rt_worker *w) {
  if (w->grace_timer.call.on_fire) rt_timer_remove(&w->grace_timer.call.timer);
}

/* Calls 'on_fire' at the tick 'due', and not at the time that was set before. */
static inline void rt_grace_timer_set(rt_worker *w, void (*on_fire)(rt_timer_call *),
                                      uint64_t due) {
  rt_grace_timer_clear(w);
  rt_timer_call_init(&w->grace_timer.call, on_fire);
  rt_wheel_add(&w->driver.wheel, &w->grace_timer.call.timer, RT_TIMER_CALL, due);
}

/* The worker whose timer has fired. */
static inline rt_worker *rt_grace_timer_worker(rt_timer_call *call) {
  return rt_containerof(call, rt_worker, grace_timer.call);
}

#endif
