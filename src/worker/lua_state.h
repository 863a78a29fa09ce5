/* worker/lua_state.h - a fresh Lua state with an arena of its own. */
#ifndef RT_WORKER_LUA_STATE_H
#define RT_WORKER_LUA_STATE_H

#include "base/arena.h"
#include "worker/compat.h"

/* A state as luaL_newstate makes it, without libraries; NULL: no memory. */
lua_State *rt_lua_state_new(void);
void rt_lua_state_close(lua_State *L);

#if RT_DEBUG
/* So many finalizers have failed so far, in all of them.  Lua calls none twice: what the
** object held is lost. */
long rt_lua_state_lost(void);
#endif

#endif
