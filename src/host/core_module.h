/* host/core_module.h - rt in a Lua state: the worker, the module's table, what it replaces. */
#ifndef RT_HOST_CORE_MODULE_H
#define RT_HOST_CORE_MODULE_H

#include "worker/worker.h"

/* Pushes the module of a state that has one, and true; or nothing. */
bool rtL_core_module_find(lua_State *L);

/* Makes the worker of a state, and pushes the module. */
rt_worker *rtL_core_module_new(lua_State *L, const rt_worker_hooks *hooks);

/* It is complete: functions of Lua's libraries that must know about tasks are replaced, and
** from here on rtL_core_module_find finds it.  The module is on top, and stays. */
void rtL_core_module_install(lua_State *L, rt_worker *w);

/* It is complete, and can be asked: from here on it is on the roll. */
void rt_core_module_enter(rt_worker *w);

#endif
