/* run/inspect.h - what a worker tells of its tasks, when somebody asks (diag/snapshot.h).
**
** On its own thread, between two instructions of whatever it runs, so it must not raise and
** leave no trace: nothing here allocates memory of the Lua state or runs code in it.
*/
#ifndef RT_RUN_INSPECT_H
#define RT_RUN_INSPECT_H

#include "diag/snapshot.h"
#include "worker/worker.h"

/* Delivered to a worker: an rt_snapshot_request. */
void rt_inspect_answer(rt_post *p, void *driver);

/* All tasks that have not ended.  'traces': with tracebacks; 'until': it should end by then. */
void rt_inspect_tasks(rt_worker *w, rt_snapshot_reply *a, bool traces, uint64_t until);

/* Where this task is, a line for each level: of the coroutine that it has resumed, and so
** on, innermost first. */
void rt_inspect_trace(rt_buf *to, rt_worker *w, const rt_task *t);

/* The watchdog has asked whether the task is in Lua code: it is.  If it was told to be stuck,
** in a C function that computed, then the tick came in there, and this is where it returned. */
void rt_inspect_answer_probe(rt_worker *w);

#endif
