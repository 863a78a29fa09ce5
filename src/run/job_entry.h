/* run/job_entry.h - a job inside the worker that begins it.
**
** There it is a task like any other, whose function unpacks the job's, calls it and packs
** the results: all in the task's own coroutine, so whatever goes wrong is its error.
*/
#ifndef RT_WORK_H
#define RT_WORK_H

#include "worker/worker.h"

/* Begins it, unless it was cancelled; the reference goes with it. */
void rt_work_take(rt_worker *w, rt_job *j);

/* In the task's coroutine: it has failed with the error on top.  How it ends. */
rt_phase rtL_work_failed(lua_State *L, rt_worker *w, rt_task *t);

/* It has ended, its <close> variables are closed: those who joined it go on.  Harmless for
** a task that is no job. */
void rt_work_end(rt_task *t, rt_phase how);

/* Pushes a handle; or the results; or raises the error. */
void rtL_work_push_handle(lua_State *L, rt_worker *w, rt_job *j);
int rtL_work_push_outcome(lua_State *L, rt_worker *w, rt_job *j);

/* Pushes the error of a job that has failed, its traceback, and its title: "task 3 …". */
void rtL_work_push_failure(lua_State *L, rt_worker *w, rt_job *j);

static inline rt_job *rt_work_job(const rt_task *t) { return t->is_job ? t->more->job : NULL; }

/* The body of a handle. */
typedef struct rt_work_handle {
  rt_job *job;
} rt_work_handle;

#endif
