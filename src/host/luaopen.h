/* host/luaopen.h - rt inside a Lua state. */
#ifndef RT_HOST_LUAOPEN_H
#define RT_HOST_LUAOPEN_H

#include "worker/worker.h"

/* require "rt.core" */
__attribute__((visibility("default"))) int luaopen_rt_core(lua_State *L);

#endif
