/* run/task_entry.h - the function in which the coroutine of every task starts.
**
** It calls the function of the task. The call and the keeping of its results happen inside the
** coroutine, so an error there is the task's own. The stack of a coroutine begins with the worker,
** the handle, the message handler and the user's function.
*/
#ifndef RT_RUN_TASK_ENTRY_H
#define RT_RUN_TASK_ENTRY_H

#include "worker/worker.h"

/* Gives a queued task a coroutine, with the values of the start queue on its stack. Returns the
** number of arguments to resume it with; -1: no memory. */
int rt_task_entry_prepare(rt_worker *w, rt_task *t);

/* The task that runs in this coroutine, which is suspended; its handle is pushed on L. NULL: no
** task does, or there is no memory to find out. */
rt_task *rt_task_entry_of(lua_State *L, rt_worker *w, lua_State *co);

/* Worker's thread: the tasks that have begun and not ended, one after the other. The loop is
**   int i = rt_task_entry_first(w);
**   while ((t = rt_task_entry_next(L, w, &i)) != NULL) ... lua_pop(L, 1);
** and pushes the handle of each on L. A task that begins meanwhile may be missed; one may end. */
int rt_task_entry_first(const rt_worker *w);
rt_task *rt_task_entry_next(lua_State *L, rt_worker *w, int *i);

#endif
