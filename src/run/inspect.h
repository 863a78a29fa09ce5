/* run/inspect.h - a worker lists its own tasks, in reply to a snapshot request (diag/snapshot.h).
**
** All functions: worker's thread, possibly in the preemption hook between two instructions of a
** task. So they do not raise, do not allocate memory of the Lua state, and run no code in it.
*/
#ifndef RT_RUN_INSPECT_H
#define RT_RUN_INSPECT_H

#include "diag/snapshot.h"
#include "worker/worker.h"

/* Delivered to a worker by its mailbox: an rt_snapshot_request. */
void rt_inspect_answer(rt_post *p, void *driver);

/* Adds all tasks that have not ended to the reply. 'traces': with tracebacks. 'until' (rt_clock):
** later than that, the remaining tasks are only counted; UINT64_MAX: no limit. */
void rt_inspect_tasks(rt_worker *w, rt_snapshot_reply *reply, bool traces, uint64_t until);

/* Writes the traceback of a task, a line for each level: that of the innermost coroutine which the
** task has resumed comes first, that of the task's own last. */
void rt_inspect_trace(rt_buf *to, rt_worker *w, const rt_task *t);

/* The coroutine that 'co' has resumed, or is closing; NULL: none. */
lua_State *rt_inspect_inner(lua_State *co);

/* Called in the preemption hook: the worker executes Lua code, so the watchdog's probe is answered.
** If a stall was reported that the watchdog could not locate, this is the first instruction after
** the C function that stalled, and the traceback is written. */
void rt_inspect_answer_probe(rt_worker *w);

#endif
