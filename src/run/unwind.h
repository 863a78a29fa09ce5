/* run/unwind.h - how the tasks of a state end, when the program does.
**
** Those that have not begun never will; the others are cancelled, and have a grace to clean
** up in; those that are left then are closed as they stand.
*/
#ifndef RT_RUN_UNWIND_H
#define RT_RUN_UNWIND_H

#include "worker/worker.h"

void rtL_unwind_begin(lua_State *L, rt_worker *w);
void rtL_unwind_finish(lua_State *L, rt_worker *w);

/* A worker of a pool, when it is told to end: the same, by itself.  Harmless twice. */
void rt_unwind_member(rt_worker *w);
void rt_unwind_member_finish(rt_worker *w);

#endif
