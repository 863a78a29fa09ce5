/* require.c - require, as Lua's own, except that it can be suspended.
**
** Lua's calls the searchers and the loader in a way that nothing in them may yield.  In
** this one a module may wait at its top level when a task requires it.  It is a C function,
** as the original: its name in tracebacks, the place that errors name and the depth at
** which modules that require each other in a circle end are the same.
*/
#include "require.h"

#include <stdbool.h>

/* its stack: what is above MESSAGES belongs to the searcher at work */
enum { NAME = 1, LOADED, SEARCHERS, MESSAGES, LOADER, DATA };

/* Stack: NAME LOADED SEARCHERS MESSAGES LOADER DATA, what the loader returned */
static int loaded(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  const char *name = lua_tostring(L, NAME);
  if (!lua_isnil(L, -1)) lua_setfield(L, LOADED, name);
  lua_settop(L, DATA);
  if (lua_getfield(L, LOADED, name) == LUA_TNIL) { /* neither did it enter itself */
    lua_pushboolean(L, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, LOADED, name);
  }
  lua_pushvalue(L, DATA);
  return 2;
}

static int load(lua_State *L) {
  lua_pushvalue(L, LOADER);
  lua_pushvalue(L, NAME);
  lua_pushvalue(L, DATA);
  lua_callk(L, 2, 1, 0, loaded);
  return loaded(L, LUA_OK, 0);
}

/* Has the searcher found a loader?  If it says why not, that is noted. */
static bool is_found(lua_State *L) {
  if (lua_isfunction(L, LOADER)) return true;
  if (lua_isstring(L, LOADER)) {
    lua_pushfstring(L, "%s\n\t%s", lua_tostring(L, MESSAGES), lua_tostring(L, LOADER));
    lua_replace(L, MESSAGES);
  }
  lua_settop(L, MESSAGES);
  return false;
}

/* The searcher at 'index' has answered, or (0) none was asked yet. */
static int search(lua_State *L, int status, lua_KContext index) {
  (void)status;
  while (index == 0 || !is_found(L)) {
    if (lua_rawgeti(L, SEARCHERS, ++index) == LUA_TNIL)
      return luaL_error(L, "module '%s' not found:%s", lua_tostring(L, NAME),
                        lua_tostring(L, MESSAGES));
    lua_pushvalue(L, NAME);
    lua_callk(L, 1, 2, index, search);
  }
  return load(L);
}

/* value, where = require(name)   upvalue 1 is the table 'package' */
static int require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, NAME);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, LOADED, name);
  if (lua_toboolean(L, -1)) return 1;
  lua_settop(L, LOADED);
  if (lua_getfield(L, lua_upvalueindex(1), "searchers") != LUA_TTABLE)
    return luaL_error(L, "'package.searchers' must be a table");
  lua_pushliteral(L, "");
  return search(L, LUA_OK, 0);
}

void rtL_require_open(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  lua_pushcclosure(L, require, 1);
  lua_setglobal(L, "require");
  lua_pop(L, 1);
}
