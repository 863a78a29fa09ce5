/* worker/compat.h - the differences between versions of Lua; no other file tests them. */
#ifndef RT_WORKER_COMPAT_H
#define RT_WORKER_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if LUA_VERSION_NUM != 504
#error "rt needs Lua 5.4"
#endif

/* Closes the pending <close> variables of a coroutine, whatever its state, so that it can run
** another function. Their errors are swallowed; none is raised. */
#if LUA_VERSION_RELEASE_NUM >= 50406
#define rt_closethread(co, from) lua_closethread(co, from)
#else
#define rt_closethread(co, from) ((void)(from), lua_resetthread(co))
#endif

#endif
