/* base/virtual_time.h - reproducible runs: with RT_CLOCK=virtual, in a debug build, one thread at a time.
**
** Whoever has the baton runs; who finds nothing to do passes it to the next one that has been
** rung, in the order in which they joined.  If none has, and nobody watches a socket, time
** jumps to the first timer.  So with the same RT_SEED everything happens in the same order,
** and no time is slept away.
*/
#ifndef RT_BASE_VIRTUAL_TIME_H
#define RT_BASE_VIRTUAL_TIME_H

#include "base/list.h"

typedef struct rt_vthread {
  rt_atomic(bool) rung; /* it has something to do */
  /* under the baton's lock */
  rt_list link;
  uint64_t due; /* by rt_clock; RT_NO_TIME: it has no timer */
  bool watches; /* a socket: time passes as it does outside */
} rt_vthread;

#define RT_NO_TIME UINT64_MAX

#if RT_DEBUG
/* Who has the baton, or nobody if there is none yet: somebody new comes, and will have
** something to do.  False: time is as outside. */
bool rt_vtime_join(rt_vthread *p);
/* Its thread: waits until it has the baton. */
void rt_vtime_await(rt_vthread *p);
/* Who has it: there is nothing to do before this time; returns when it has it again. */
void rt_vtime_pass(rt_vthread *p, uint64_t due, bool watches);
/* The same, but there is: the others have their turn first. */
void rt_vtime_share(rt_vthread *p);
/* any thread, signal handlers too */
void rt_vtime_ring(rt_vthread *p);
/* Who has it: it goes; somebody who was to come does not. */
void rt_vtime_leave(rt_vthread *p);
void rt_vtime_forget(rt_vthread *p);
#else
#define rt_vtime_join(p) ((void)(p), false)
#define rt_vtime_await(p) ((void)(p))
#define rt_vtime_pass(p, due, watches) ((void)(p), (void)(due), (void)(watches))
#define rt_vtime_share(p) ((void)(p))
#define rt_vtime_ring(p) ((void)(p))
#define rt_vtime_leave(p) ((void)(p))
#define rt_vtime_forget(p) ((void)(p))
#endif

#endif
