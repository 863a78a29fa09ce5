/* run/spawn.h - from a function and its arguments to a job in a queue. */
#ifndef RT_RUN_SPAWN_H
#define RT_RUN_SPAWN_H

#include "run/job_entry.h"

extern const rt_shared_kind rt_spawn_kind; /* of jobs */

/* The pool, with at least one worker; or an error. */
rt_sched *rtL_spawn_pool(lua_State *L, rt_worker *w, rt_pool which);

/* The stack has a function and its arguments from 'first' on, and nothing above: they become
** a job that is in no queue yet, and its handle takes their place.  'group' may be NULL. */
rt_job *rtL_spawn_make(lua_State *L, rt_worker *w, rt_sched *s, rt_group *group, int first);

/* Queues it: where it suits best, or (slot >= 0) for this worker alone.  False: the queue is
** full, and the job is in none. */
enum { RT_ANY_SLOT = -1, RT_LEAST_LOADED = -2 };
bool rtL_spawn_submit(lua_State *L, rt_worker *w, rt_sched *s, rt_job *j, int slot);

#endif
