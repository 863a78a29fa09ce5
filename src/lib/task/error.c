/* lib/task/error.c - rt.on_unhandled, rt.traceback; and what rt's Lua files raise. */
#include "worker/traceback.h"
#include "lib/lib.h"

/* rt.on_unhandled(f) */
static int on_unhandled(lua_State *L) {
  if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  rtL_anchor_set(L, rtL_self(L), RT_ANCHOR_ON_UNHANDLED);
  return 0;
}

/* string = rt.traceback([error [, level]]) */
static int traceback(lua_State *L) {
  lua_settop(L, 2);
  rtL_traceback_where(L, rtL_self(L), 1, (int)luaL_optinteger(L, 2, 1));
  return 1;
}

/* core.check_options(options, who, names): for the Lua files, as rtL_check_options */
static int check_options(lua_State *L) {
  lua_settop(L, 3);
  rtL_check_options(L, 1, luaL_checkstring(L, 2), luaL_checkstring(L, 3));
  return 0;
}

/* core.raise(error, traceback): again, as it came out of group:run */
static int raise_again(lua_State *L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) lua_pop(L, 1);
  return lua_gettop(L) == 2 ? rtL_traceback_raise_whole(L, rtL_self(L)) : lua_error(L);
}

void rtL_open_error(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"on_unhandled", on_unhandled},
                                       {"traceback", traceback},
                                       {"check_options", check_options},
                                       {"raise", raise_again},
                                       {NULL, NULL}};
  rtL_set_functions(L, w, functions);
}
