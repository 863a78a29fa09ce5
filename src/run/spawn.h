/* run/spawn.h - from a function and its arguments to a job in a run queue. */
#ifndef RT_RUN_SPAWN_H
#define RT_RUN_SPAWN_H

#include "run/job_entry.h"

extern const rt_shared_kind rt_spawn_kind; /* the kind of jobs */

/* The pool, opened if need be. Raises if the program is ending. */
rt_sched *rtL_spawn_open_pool(lua_State *L, rt_worker *w, rt_pool which);

/* The same, with at least one worker. Raises if none can be started. */
rt_sched *rtL_spawn_pool(lua_State *L, rt_worker *w, rt_pool which);

/* Makes a job, which is in no queue yet. The stack has the function and its arguments from 'first'
** to the top; the handle takes their place. The job enters 'group', if that is not NULL. */
rt_job *rtL_spawn_make(lua_State *L, rt_worker *w, rt_sched *s, rt_group *group, int first);

/* Puts the job in a run queue: that of this worker (RT_ANY_SLOT), that of the least load, or, for
** 'slot' >= 0, the pinned queue of that slot. False: the queue is full, and the job is in none. */
enum { RT_ANY_SLOT = -1, RT_LEAST_LOADED = -2 };
bool rtL_spawn_submit(lua_State *L, rt_worker *w, rt_sched *s, rt_job *j, int slot);

#endif
