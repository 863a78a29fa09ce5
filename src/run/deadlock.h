/* run/deadlock.h - when no task can ever go on: that is told, and the program ends.
**
** A worker that blocks, with nothing that could wake one of its tasks but another thread, is
** still (event/active_threads.h).  Whoever of all threads becomes still last looks whether a post is on its way
** to one of the others; if not, the main worker looks again, and from where nothing can come in
** between.  So there is no time to wait for, and no false alarm.
**
** Then every worker is asked for its tasks, the main worker writes what they wait for to stderr,
** and the main chunk gets an error out of its own wait.
*/
#ifndef RT_RUN_DEADLOCK_H
#define RT_RUN_DEADLOCK_H

#include "worker/worker.h"

/* The hook 'on_stillness', on the worker's thread: it is about to block, and every other thread of the
** runtime already has. False: it is the main worker, which is to call rt_deadlock_examine first. */
bool rt_deadlock_on_stillness(rt_driver *d);

/* Delivered to the main worker: a pool worker that blocked suspects a deadlock. */
void rt_deadlock_on_report(rt_post *p, void *driver);

/* The main worker, whose main chunk waits on L, suspects it: is it so?  Then that is told, and
** the main chunk goes on to … */
void rt_deadlock_examine(rt_worker *w);
/* … raise the error. */
int rtL_deadlock_raise(lua_State *L, rt_worker *w);

#endif
