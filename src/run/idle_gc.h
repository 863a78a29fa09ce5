/* run/idle_gc.h - collections that are not made because of memory.
**
** An idle worker collects garbage to find failures that no task can join any more, and to free the
** memory of closed connections. When nothing can run any more, all workers collect, to find permits
** and locks for which tasks wait.
**
** The error of a local task becomes unhandled when the failure is collected with the task's handle
** (run/outcome); that of a job when its last handle is collected. A program that waits allocates
** nothing, so Lua would not collect either of them. The same is true of a permit of a semaphore, or
** a guard of a mutex, that was dropped: before a deadlock is reported, each worker makes a complete
** collection (run/deadlock.c).
**
** A closed connection leaves garbage. Lua would collect it when the heap has doubled, that is when
** a server has as much garbage as it has connections open; an idle worker does it sooner.
** Worker's thread.
*/
#ifndef RT_RUN_IDLE_GC_H
#define RT_RUN_IDLE_GC_H

#include "worker/worker.h"

/* A task has failed, and its handles may be garbage. Two collections are needed, as a handle may
** survive the first one. */
static inline void rt_idle_gc_request(rt_worker *w) { w->idle_gc.cycles = 2; }

/* A socket was closed here, or has moved to another task. What it has left behind is garbage, and
** when there is enough of it, an idle worker collects once. */
void rt_idle_gc_socket_left(rt_worker *w);

/* Called when the worker is idle: makes a step of a collection, or all of it, if it was requested.
** False: the worker may block. */
bool rt_idle_gc_step(rt_worker *w);

/* Collects all garbage, now. Finalizers run. */
void rt_idle_gc_run(rt_worker *w);

/* Delivered to a pool worker: it has to collect its garbage before it blocks again. */
void rt_idle_gc_on_collect(rt_post *p, void *driver);

/* The process is out of descriptors: makes a full collection, which closes what is garbage. False:
** there was none to make, as the last one was a moment ago (full collections take a twentieth of
** the time at most) and this worker has opened no socket since then; or this is a finalizer. The
** finalizers may do anything, for example close the object of the caller. */
bool rt_idle_gc_full(lua_State *L, rt_worker *w);

/* Delivered to the main worker: a job has failed, and its handles may be garbage. */
void rt_idle_gc_on_failure(rt_post *p, void *driver);

void rtL_idle_gc_class(lua_State *L, rt_worker *w);

#endif
