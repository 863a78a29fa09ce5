/* base/cpu_timer.h - a periodic signal to a thread that uses CPU time.
**
** A timer on the thread's CPU-time clock sends SIGURG to this thread every 5 ms of CPU time. A
** thread that sleeps or is blocked uses no CPU time and gets no signal: so system calls are not
** interrupted, and an idle process stays idle. A child process does not inherit the timer.
**
** run/preempt.c uses it to preempt tasks.
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

typedef enum rt_cpu_timer_cause {
  RT_CPU_TIMER_TICK,     /* the thread has computed for a period */
  RT_CPU_TIMER_NUDGE,    /* rt_cpu_timer_nudge */
  RT_CPU_TIMER_INTERRUPT /* rt_cpu_timer_interrupt */
} rt_cpu_timer_cause;

typedef struct rt_cpu_timer {
#if RT_HAS_CPU_TIMER
  timer_t timer;
#endif
  uint64_t period;                                      /* nanoseconds */
  bool on;                                              /* the timer exists */
  bool is_external;                                     /* another thread measures the CPU time */
  rt_atomic(bool) nudged;                               /* external: the next signal is a nudge */
  rt_atomic(bool) interrupted;                          /* the next nudge is an interrupt */
  void (*f)(struct rt_cpu_timer *, rt_cpu_timer_cause); /* called in the signal handler */
} rt_cpu_timer;

/* Starts the timer of the calling thread, which must stop it. f: called in the signal handler. 0;
** -EBUSY: the program has a handler of its own for SIGURG; another error: the system has no such
** timer. RT_TICK_US sets another period, for tests; below 1 ms it is wall-clock time, as the
** CPU-time clock of the kernel is too coarse. */
int rt_cpu_timer_start(rt_cpu_timer *timer, void (*f)(rt_cpu_timer *, rt_cpu_timer_cause));

/* For a thread for which the system has no timer: another thread measures its CPU time, and calls
** rt_cpu_timer_tick once a period. 0, or -EBUSY or another error, as above. */
int rt_cpu_timer_start_external(rt_cpu_timer *timer, void (*f)(rt_cpu_timer *, rt_cpu_timer_cause));
/* Any thread, while the external timer is on; 'thread' as below. */
void rt_cpu_timer_tick(rt_cpu_timer *timer, long thread);

/* Any thread, while the timer is on: sends the signal to the timer's thread now; 'thread' is the
** id of that thread (rt_thread_info). */
void rt_cpu_timer_nudge(rt_cpu_timer *timer, long thread);

/* One thread at a time, and no nudge meanwhile (the lock of the worker registry is held). Between
** 'begin' and 'end' the signal makes a system call that blocks fail with EINTR; else the call
** continues. That is a setting of the process, so 'end' follows within milliseconds: it waits for
** the handlers of the interrupts, but not for long. (The timers measure CPU time, so they hardly
** interrupt a call that blocks.) */
void rt_cpu_timer_begin_interrupts(void);
void rt_cpu_timer_interrupt(rt_cpu_timer *timer, long thread);
void rt_cpu_timer_end_interrupts(rt_cpu_timer *timers[], int count);

/* The thread that started it. Does nothing if the timer is not on. */
void rt_cpu_timer_stop(rt_cpu_timer *timer);

#endif
