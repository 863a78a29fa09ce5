/* host/require.h - rt-lua's require: Lua's own, except that a module may wait while it loads.
**
** Lua's require calls the searchers and the loader so that nothing in them can yield. With this one
** a module may wait at its top level when a task requires it. It is a C function, like the
** original: its name in tracebacks, the place that errors name, and the depth at which modules that
** require each other end are the same.
**
** While one task loads a module, another task that requires it waits, and gets the same value or
** the same error. If the two would wait for each other, require raises. A circle within one task
** ends as in Lua, with a stack overflow; or, if a wait in it has made the C stack short again, at
** DEPTH_MAX.
**
** That wait is no operation of lib/operation.h: it is one step of require, whose other steps call
** searchers and a loader, so it has no result of its own, and rt.select cannot choose it.
*/
#ifndef RT_HOST_REQUIRE_H
#define RT_HOST_REQUIRE_H

#include "worker/compat.h"

/* Replaces the global function. Lua's libraries are open. */
void rtL_require_open(lua_State *L);

/* For a pool worker of a stock interpreter, which keeps Lua's require: adds a last searcher, which
** says so if no file could be opened for lack of a descriptor. rtL_require_open does the same. */
void rtL_require_add_searcher(lua_State *L);

#endif
