/* worker/lua_state.h - a new Lua state, whose memory is an arena of its own. */
#ifndef RT_WORKER_LUA_STATE_H
#define RT_WORKER_LUA_STATE_H

#include "base/arena.h"
#include "worker/compat.h"

/* A state as luaL_newstate makes it, without libraries; NULL: no memory. */
lua_State *rt_lua_state_new(void);
void rt_lua_state_close(lua_State *L);

#if RT_DEBUG
/* How many finalizers have raised so far, in all states. Lua calls a finalizer once, so what such
** an object held is lost. */
long rt_lua_state_lost(void);
#endif

#endif
