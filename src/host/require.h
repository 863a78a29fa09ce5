/* host/require.h - rt-lua's require: a module may wait while it loads. */
#ifndef RT_HOST_REQUIRE_H
#define RT_HOST_REQUIRE_H

#include "worker/compat.h"

/* Replaces the global function. Lua's libraries are open. */
void rtL_require_open(lua_State *L);

#endif
