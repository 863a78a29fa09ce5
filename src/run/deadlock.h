/* run/deadlock.h - detects that no task can ever be resumed, and reports it.
**
** A worker that blocks while only another thread can wake one of its tasks is still
** (event/active_threads.h). The last thread that becomes still checks that no post is on its way to
** another one. If so, the main worker checks again, at a place where nothing can come in between.
** So no time has to pass, and there is no false alarm. What garbage holds comes back first:
** before a deadlock is reported, all workers collect their garbage. deadlock.c has the argument.
**
** Then the main worker writes a snapshot of all tasks to stderr, with what they wait for, and the
** wait of the main chunk raises an error.
*/
#ifndef RT_RUN_DEADLOCK_H
#define RT_RUN_DEADLOCK_H

#include "worker/worker.h"

/* The hook 'on_stillness', on the worker's thread: the worker is about to block, and all other
** threads of the runtime are still. False: this is the main worker, and it must not block before it
** has called rt_deadlock_examine. */
bool rt_deadlock_on_stillness(rt_driver *d);

/* Delivered to the main worker: a pool worker that blocked suspects a deadlock. */
void rt_deadlock_on_report(rt_post *p, void *driver);

/* Called by the main worker while its main chunk waits, when deadlock.suspected is set: checks
** whether there is a deadlock. If so, reports it and wakes the main chunk, which calls
** rtL_deadlock_raise. */
void rt_deadlock_examine(rt_worker *w);
int rtL_deadlock_raise(lua_State *L, rt_worker *w);

/* At the prompt a deadlock ends a statement, and not the session: the next one is the first. */
static inline void rt_deadlock_forgive(rt_worker *w) { w->deadlock.reports = 0; }

#endif
