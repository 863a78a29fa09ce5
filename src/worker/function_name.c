#include "worker/function_name.h"

#include <string.h>

/* Stack: …, value, loaded -> …, value, loaded, name of the module, field; or unchanged */
static int find_field(lua_State *L, int value, int loaded) {
  lua_pushnil(L);
  while (lua_next(L, loaded)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1)) {
      lua_pushnil(L);
      while (lua_next(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, value)) {
          lua_pop(L, 1);
          lua_remove(L, -2);
          return 1;
        }
        lua_pop(L, 1);
      }
    }
    lua_pop(L, 1);
  }
  return 0;
}

const char *rtL_function_name(lua_State *L) {
  int value = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (!find_field(L, value, value + 1)) {
    lua_settop(L, value);
    return NULL;
  }
  const char *module = lua_tostring(L, -2), *field = lua_tostring(L, -1);
  if (strcmp(module, LUA_GNAME) == 0)
    lua_pushstring(L, field);
  else
    lua_pushfstring(L, "%s.%s", module, field);
  lua_replace(L, value + 1);
  lua_settop(L, value + 1);
  return lua_tostring(L, -1);
}
