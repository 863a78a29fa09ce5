/* base/wall_timer.h - a periodic signal to one thread, which a signal handler can start.
**
** A process that has been asked to end may be blocked in a call that never returns, and has no
** other thread that could end it. The ticks of this timer interrupt that call, and end the process
** at last. There is one timer per process; run/signals.c uses it.
**
** The signal is SIGALRM. It is taken from the program when the timer is started, not before. (Where
** the system has no timers for threads, or no more of them, it is the one of setitimer.)
*/
#ifndef RT_BASE_WALL_TIMER_H
#define RT_BASE_WALL_TIMER_H

#include "base/base.h"

/* The thread that is to get the ticks: makes the timer. f is called at each tick, in the signal
** handler. */
void rt_wall_timer_open(void (*f)(void));

/* The rest: that thread, and its signal handlers.
**
** start: from now on there is a tick every 'period' ns. stop: no more. */
void rt_wall_timer_start(uint64_t period);
void rt_wall_timer_stop(void);

/* Has the next tick make a system call that blocks fail with EINTR? Else the call continues. */
void rt_wall_timer_set_interrupting(bool interrupting);

/* Has the calling thread been blocked in one system call since the function was called last? It
** was if it has gone to sleep once, after the tick. (Where the system does not tell: yes.) */
bool rt_wall_timer_was_blocked(void);

#endif
