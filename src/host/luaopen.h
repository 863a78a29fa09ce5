/* host/luaopen.h - opens rt in the main state of a program. */
#ifndef RT_HOST_LUAOPEN_H
#define RT_HOST_LUAOPEN_H

#include "worker/worker.h"

/* What require "rt.core" calls. Makes the main worker and its main task, and returns the module. */
__attribute__((visibility("default"))) int luaopen_rt_core(lua_State *L);

#endif
