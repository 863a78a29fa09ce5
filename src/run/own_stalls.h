/* run/own_stalls.h - a worker without a watchdog notices that its own tasks have kept it stuck.
**
** A program with one state has no second thread (diag/watchdog.h), so nobody sees that a task is in
** a call that blocks. The worker itself sees afterwards that much time has passed: after each
** resume the loop reads the coarse clock in any case, and libuv knows when it began to call the
** callbacks, in which sockets resume their tasks. What the thread has computed, and how long it has
** waited for a CPU, does not count: only blocked time is a stall here. Used by run/loop.c; worker's
** thread.
*/
#ifndef RT_RUN_OWN_STALLS_H
#define RT_RUN_OWN_STALLS_H

#include "worker/worker.h"

/* How much time must have passed, at the least, for one of these to have something to do. */
#define RT_OWN_STALL RT_STALL

/* Which slices are looked at. */
typedef enum rt_own_stalls_of {
  RT_OWN_STALLS_NONE,   /* none: the thread was idle, or in the main chunk */
  RT_OWN_STALLS_LAST,   /* the last one, which began after own_stalls.since */
  RT_OWN_STALLS_RESUMED /* those that uv_run has resumed, if any */
} rt_own_stalls_of;

/* At 'now' (rt_clock_coarse): these slices were too long, perhaps, or the numbers of the OS with
** which they are compared are old. */
void rt_own_stalls_examine(rt_worker *w, uint64_t now, rt_own_stalls_of which);

/* Precise: a slice begins; status.running_title is that of its task. */
void rt_own_stalls_begin_slice(rt_worker *w);

/* Later slices begin after 'now'. */
static inline void rt_own_stalls_check(rt_worker *w, uint64_t now, rt_own_stalls_of which) {
  if (rt_unlikely(now - w->own_stalls.based_at >= RT_OWN_STALL))
    rt_own_stalls_examine(w, now, which);
  w->own_stalls.since = now;
}

/* The main chunk begins to wait: the time before that was its own. */
static inline void rt_own_stalls_begin(rt_worker *w) {
  rt_own_stalls_check(w, rt_clock_coarse(), RT_OWN_STALLS_NONE);
}

#endif
