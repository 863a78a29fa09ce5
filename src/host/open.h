/* host/open.h - rt in a Lua state: the worker, the module's table, what it replaces. */
#ifndef RT_CORE_H
#define RT_CORE_H

#include "worker/worker.h"

/* Pushes the module of a state that has one, and true; or nothing. */
bool rtL_core_find(lua_State *L);

/* Makes the worker of a state, and pushes the module. */
rt_worker *rtL_core_new(lua_State *L);

/* It is complete: functions of Lua's libraries that must know about tasks are replaced, and
** from here on rtL_core_find finds it.  The module is on top, and stays. */
void rtL_core_install(lua_State *L, rt_worker *w);

/* It is complete, and can be asked: from here on it is on the roll. */
void rt_core_enter(rt_worker *w);

#endif
