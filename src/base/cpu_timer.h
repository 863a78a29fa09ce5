/* base/cpu_timer.h - a signal that comes to a thread as long as it computes.
**
** A timer of the CPU time that the thread has used sends SIGURG to that very thread.  One
** that sleeps or is blocked gets none, so nothing is interrupted and an idle process stays
** idle; a child process does not inherit it.
*/
#ifndef RT_BASE_CPU_TIMER_H
#define RT_BASE_CPU_TIMER_H

#include "base/base.h"

#include <signal.h>
#include <time.h>

#if defined(__linux__) && defined(SIGEV_THREAD_ID)
#define RT_HAS_CPU_TIMER 1
#else
#define RT_HAS_CPU_TIMER 0
#endif

typedef struct rt_cpu_timer {
#if RT_HAS_CPU_TIMER
  timer_t timer;
#endif
  uint64_t period; /* nanoseconds */
  bool on;
  void (*f)(struct rt_cpu_timer *, bool nudged); /* runs in the signal's handler */
} rt_cpu_timer;

/* The calling thread gets ticks from here on.  0; -EBUSY: the signal is somebody else's;
** another error: there is no such timer here.  RT_TICK_US, for tests, is another period;
** below a millisecond, by the clock on the wall, since the kernel's count of CPU time is
** too coarse. */
int rt_cpu_timer_start(rt_cpu_timer *t, void (*f)(rt_cpu_timer *, bool));

/* any thread, as long as the tick is on: its thread gets one now. */
void rt_cpu_timer_nudge(rt_cpu_timer *t, long thread);
/* The same thread; harmless when there is none. */
void rt_cpu_timer_stop(rt_cpu_timer *t);

#endif
