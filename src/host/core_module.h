/* host/core_module.h - rt in one Lua state: the worker, the table of rt.core, the functions that it
** replaces. */
#ifndef RT_HOST_CORE_MODULE_H
#define RT_HOST_CORE_MODULE_H

#include "worker/worker.h"

/* Keys of what the worker keeps: the table 'package', also if the program replaces the global, and
** its paths when rt was loaded. */
extern const char rt_kept_package[], rt_kept_path[], rt_kept_cpath[];

/* Pushes the module if this state has one. False: it has none, and nothing is pushed. */
bool rtL_core_module_find(lua_State *L);

/* Makes the worker of a state, and pushes the module, which is not installed yet. */
rt_worker *rtL_core_module_new(lua_State *L, const rt_worker_hooks *hooks);

/* Replaces the functions of Lua's libraries that must know tasks. From now on rtL_core_module_find
** finds the module, which is on top of the stack: the table that rtL_core_module_new has pushed is
** replaced by one that hides its fields (rtL_set_hidden). */
void rtL_core_module_install(lua_State *L, rt_worker *w);

/* Adds the worker, which is complete, to the worker registry. */
void rt_core_module_enter(rt_worker *w);

#endif
