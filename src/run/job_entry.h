/* run/job_entry.h - a job inside the worker that begins it.
**
** There it is a task like any other, whose function unpacks the job's, calls it and packs
** the results: all in the task's own coroutine, so whatever goes wrong is its error.
*/
#ifndef RT_RUN_JOB_ENTRY_H
#define RT_RUN_JOB_ENTRY_H

#include "worker/worker.h"

/* Begins it, unless it was cancelled; the reference goes with it. */
void rt_job_entry_take(rt_worker *w, rt_job *j);

/* In the task's coroutine: it has failed with the error on top.  How it ends. */
rt_phase rtL_job_entry_failed(lua_State *L, rt_worker *w, rt_task *t);

/* It has ended, its <close> variables are closed: those who joined it go on.  Harmless for
** a task that is no job. */
void rt_job_entry_end(rt_task *t, rt_phase how);

/* Pushes a handle; or the results; or raises the error. */
void rtL_job_entry_push_handle(lua_State *L, rt_worker *w, rt_job *j);
int rtL_job_entry_push_outcome(lua_State *L, rt_worker *w, rt_job *j);

/* Pushes the error of a job that has failed, its traceback, and its title: "task 3 …". */
void rtL_job_entry_push_failure(lua_State *L, rt_worker *w, rt_job *j);

static inline rt_job *rt_job_entry_job(const rt_task *t) { return t->is_job ? t->more->job : NULL; }

#endif
