/* base/virtual_time.h - virtual time: reproducible runs of debug builds, with RT_CLOCK=virtual.
**
** One thread runs at a time. A thread that has nothing to do passes control to the next thread that
** was woken, in the order in which the threads joined. If none was woken and none waits for the OS,
** the clock jumps to the earliest timer. So with the same RT_SEED everything happens in the same
** order, and no real time is spent on sleeping.
**
** Each worker has an rt_vthread. While a thread waits for the OS (a socket, say), and no other one
** was woken, real time passes; such a run is not reproducible.
*/
#ifndef RT_BASE_VIRTUAL_TIME_H
#define RT_BASE_VIRTUAL_TIME_H

#include "base/list.h"

typedef struct rt_vthread {
  rt_atomic(bool) woken; /* it has something to do */
  /* under the lock of virtual time */
  rt_list link;
  uint64_t due;  /* its earliest timer, by rt_clock; RT_NO_TIME: it has none */
  bool needs_os; /* it waits for the OS, too */
} rt_vthread;

#define RT_NO_TIME UINT64_MAX

#if RT_DEBUG
/* Adds the thread as the last one, woken; called by the running thread, or by the first one of all,
** which then runs. False: there is no virtual time. */
bool rt_vtime_join(rt_vthread *vthread);
/* Called by a thread that was added by another one, first: waits until it may run. */
void rt_vtime_await(rt_vthread *vthread);
/* The running thread has nothing to do before 'due': others run, and this returns when it may run
** again. */
void rt_vtime_block(rt_vthread *vthread, uint64_t due, bool needs_os);
/* The running thread has more to do, but the others run first. */
void rt_vtime_yield(rt_vthread *vthread);
/* Any thread, and signal handlers: this thread of virtual time has something to do. */
void rt_vtime_wake(rt_vthread *vthread);
/* The running thread ends. */
void rt_vtime_leave(rt_vthread *vthread);
/* The running thread takes back a join: that thread could not be started. */
void rt_vtime_withdraw(rt_vthread *vthread);
#else
#define rt_vtime_join(p) ((void)(p), false)
#define rt_vtime_await(p) ((void)(p))
#define rt_vtime_block(p, due, needs_os) ((void)(p), (void)(due), (void)(needs_os))
#define rt_vtime_yield(p) ((void)(p))
#define rt_vtime_wake(p) ((void)(p))
#define rt_vtime_leave(p) ((void)(p))
#define rt_vtime_withdraw(p) ((void)(p))
#endif

#endif
