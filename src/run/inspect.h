/* run/inspect.h - what a worker tells of its tasks, when somebody asks (survey.h).
**
** On its own thread, between two instructions of whatever it runs, so it must not raise and
** leave no trace: nothing here allocates memory of the Lua state or runs code in it.
*/
#ifndef RT_ACCOUNT_H
#define RT_ACCOUNT_H

#include "diag/snapshot.h"
#include "worker/worker.h"

/* Delivered to a worker: an rt_inquiry. */
void rt_account_answer(rt_post *p, void *driver);

/* All tasks that have not ended.  'traces': with tracebacks; 'until': it should end by then. */
void rt_account_give(rt_worker *w, rt_answer *a, bool traces, uint64_t until);

/* Where this task is, a line for each level: of the coroutine that it has resumed, and so
** on, innermost first. */
void rt_account_trace(rt_buf *to, rt_worker *w, const rt_task *t);

/* The monitor has asked whether the task is in Lua code: it is.  If it was told to be stuck,
** in a C function that computed, then the tick came in there, and this is where it returned. */
void rt_account_give_sign(rt_worker *w);

#endif
