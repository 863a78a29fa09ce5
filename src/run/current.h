/* run/current.h - what runs now in a worker: a task, and the coroutine in which it runs.
**
** Only the functions of this file change rt_worker_current. All of them: worker's thread. The
** signal handlers of run/preempt.c and run/signals.c may come between any two of them, when 'task'
** and 'co' are of different moments. So the hook that a handler sets looks at both again.
*/
#ifndef RT_RUN_CURRENT_H
#define RT_RUN_CURRENT_H

#include "worker/worker.h"

/* The code of this task runs from now on; NULL: the worker's own code. */
static inline void rt_current_set_task(rt_worker *w, rt_task *t) { w->current.task = t; }

/* The code of this coroutine runs from now on; NULL: none. */
static inline void rt_current_set_co(rt_worker *w, lua_State *co) { w->current.co = co; }

/* A task is about to be resumed: nothing stands between it and its coroutine. */
static inline void rt_current_unblock(rt_worker *w) { w->current.blocked = false; }

/* The task has returned or yielded: no task runs. Returns how it has yielded. */
static inline rt_yield rt_current_end(rt_worker *w) {
  rt_yield how = w->current.yield;
  w->current.co = NULL;
  w->current.task = NULL;
  w->current.yield = RT_YIELD_USER; /* code that does not know rt yields without setting this */
  return how;
}

/* The running code is about to yield. */
static inline void rt_current_yield(rt_worker *w, rt_yield how) { w->current.yield = how; }

/* What rt_current_leave restores. */
typedef struct rt_current_outer {
  lua_State *co;
  bool blocked;
} rt_current_outer;

/* The running code resumes or closes a coroutine, or calls a function that runs in one. */
static inline rt_current_outer rt_current_enter(rt_worker *w, lua_State *co) {
  rt_current_outer outer = {w->current.co, w->current.blocked};
  w->current.co = co;
  return outer;
}

/* Until rt_current_leave no yield can be passed on to the task. */
static inline void rt_current_block(rt_worker *w) { w->current.blocked = true; }

static inline void rt_current_leave(rt_worker *w, rt_current_outer outer) {
  w->current.co = outer.co;
  w->current.blocked = outer.blocked;
}

/* Also in a signal handler. Appends what the main worker runs, as rt_task_title_append does: "main
** runs task 3, spawned at x.lua:4". */
size_t rt_current_append_title(char *to, size_t at, size_t size, const rt_worker *w);

#endif
