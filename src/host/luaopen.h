/* host/luaopen.h - rt inside a Lua state. */
#ifndef RT_MODULE_H
#define RT_MODULE_H

#include "worker/worker.h"

/* require "rt.core" */
__attribute__((visibility("default"))) int luaopen_rt_core(lua_State *L);

#endif
