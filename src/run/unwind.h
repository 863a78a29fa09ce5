/* run/unwind.h - ends the tasks of one state when the program ends.
**
** Tasks that have not begun end at once. The others are cancelled and have the grace to unwind in;
** tasks that are left then are closed by force.
*/
#ifndef RT_RUN_UNWIND_H
#define RT_RUN_UNWIND_H

#include "worker/worker.h"

/* Cancels all tasks of this state. */
void rt_unwind_begin(lua_State *L, rt_worker *w);

/* Closes by force all tasks that are left. */
void rt_unwind_finish(lua_State *L, rt_worker *w);

/* Delivered to a pool worker: its pool is to end. The loop calls rt_unwind_member then. */
void rt_unwind_member_on_post(rt_post *p, void *driver);

/* The same two steps for a pool worker that has to stop. A second call of rt_unwind_member does
** nothing; rt_unwind_member_finish also reports the errors that are left. */
void rt_unwind_member(rt_worker *w);
void rt_unwind_member_finish(rt_worker *w);

#endif
