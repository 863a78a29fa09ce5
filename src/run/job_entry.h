/* run/job_entry.h - a job in the worker that begins it: it becomes a task of that worker.
**
** The function of that task unpacks the message of the job, calls the function in it and packs the
** results. All of that happens in the task's own coroutine, so an error there is the task's own.
*/
#ifndef RT_RUN_JOB_ENTRY_H
#define RT_RUN_JOB_ENTRY_H

#include "worker/worker.h"

/* Begins a job, unless it was cancelled. Takes over the caller's reference. */
void rt_job_entry_take(rt_worker *w, rt_job *j);

/* In the task's coroutine: its function has failed with the error on top. Packs the error and
** returns how the task ends. */
rt_phase rtL_job_entry_failed(lua_State *L, rt_worker *w, rt_task *t);

/* The task has ended, and its <close> variables have run: ends its job, which wakes the joiners.
** Does nothing for a task that is no job. */
void rt_job_entry_end(rt_task *t, rt_phase how);

/* Pushes a new handle of the job. */
void rtL_job_entry_push_handle(lua_State *L, rt_worker *w, rt_job *j);
/* Pushes the results of a job that has ended and returns how many, or raises its error. */
int rtL_job_entry_push_outcome(lua_State *L, rt_worker *w, rt_job *j);

/* Pushes the error of a failed job, its traceback, and its title, "task 3 …". */
void rtL_job_entry_push_failure(lua_State *L, rt_worker *w, rt_job *j);

static inline rt_job *rt_job_entry_job(const rt_task *t) { return t->is_job ? t->more->job : NULL; }

#endif
