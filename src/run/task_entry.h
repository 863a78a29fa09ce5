/* run/task_entry.h - the function that every task's coroutine runs: it runs the user's.
**
** Unpacking, calling and keeping the results all happen inside the coroutine, so
** whatever goes wrong there is the task's own error.
*/
#ifndef RT_RUN_TASK_ENTRY_H
#define RT_RUN_TASK_ENTRY_H

#include "worker/worker.h"

/* Gives a queued task a coroutine with everything on it; returns the number of
** arguments to resume it with, or -1 when there is no memory. */
int rt_task_entry_prepare(rt_worker *w, rt_task *t);

/* The task whose coroutine this is, its handle pushed; for lists of tasks. */
rt_task *rt_task_entry_of(lua_State *L, rt_worker *w, lua_State *co);

/* Worker's thread: the tasks that have begun and not ended, one after the other. The loop is
**   int i = rt_task_entry_first(w);
**   while ((t = rt_task_entry_next(L, w, &i)) != NULL) ... lua_pop(L, 1);
** and pushes the handle of each on L. A task that begins meanwhile may be missed; one may end. */
int rt_task_entry_first(const rt_worker *w);
rt_task *rt_task_entry_next(lua_State *L, rt_worker *w, int *i);

#endif
