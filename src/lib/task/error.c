/* lib/task/error.c - rt.on_unhandled, rt.traceback, and how rt's Lua files check and raise. */
#include "lib/lib.h"
#include "pack/pack.h"
#include "worker/error_text.h"
#include "worker/traceback.h"

#include <stdio.h>
#include <string.h>

/* rt.on_unhandled(f) */
static int on_unhandled(lua_State *L) {
  if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TFUNCTION);
  rtL_error_if_forked(L);
  lua_settop(L, 1);
  rt_anchor_set(L, rt_self(L), RT_ANCHOR_ON_UNHANDLED);
  return 0;
}

/* string = rt.traceback([error [, level]]) */
static int traceback(lua_State *L) {
  lua_settop(L, 2);
  rtL_traceback_where(L, rt_self(L), 1, (int)luaL_optinteger(L, 2, 1));
  return 1;
}

/* internal.check(ok, index, name, expected [, describe, ...]): as luaL_argexpected, for functions
** written in Lua. If ok is false it raises "bad argument #index to 'name' (expected expected, got
** …)", or, if the index is "option", "option 'name': expected expected, got …". The position is
** that of the program's line, outside of rt's files; describe(...) is what was given. */
static int check_argument(lua_State *L) {
  if (lua_toboolean(L, 1)) return 0;
  int top = lua_gettop(L);
  bool is_option = lua_type(L, 2) == LUA_TSTRING;
  rtL_call_site_where(L, &rt_self(L)->call_sites, 2);
  if (is_option)
    lua_pushfstring(L, "option '%s': %s expected", lua_tostring(L, 3), lua_tostring(L, 4));
  else
    lua_pushfstring(L, "bad argument #%d to '%s' (%s expected", (int)lua_tointeger(L, 2),
                    lua_tostring(L, 3), lua_tostring(L, 4));
  if (top >= 5) {
    lua_pushliteral(L, ", got ");
    luaL_checkstack(L, top, NULL);
    for (int i = 5; i <= top; i++) lua_pushvalue(L, i);
    lua_call(L, top - 5, 1);
  }
  if (!is_option) lua_pushliteral(L, ")");
  lua_concat(L, lua_gettop(L) - top);
  return lua_error(L);
}

/* Argument: a function. */
static int pack_function(lua_State *L) {
  rt_message_drop(rtL_pack(L, rt_self(L), 1, RT_PACK_PRELOAD));
  return 0;
}

/* internal.check_sendable(f, index, name): raises "bad argument #index to 'name' (cannot send …)"
** if the function cannot be sent to several workers */
static int check_sendable(lua_State *L) {
  static const char refusal[] = "cannot send ";
  lua_settop(L, 3);
  lua_pushvalue(L, lua_upvalueindex(1)); /* the worker */
  lua_pushcclosure(L, pack_function, 1);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return 0;
  rtL_call_site_where(L, &rt_self(L)->call_sites, 2);
  size_t len;
  const char *where = lua_tolstring(L, -1, &len), *text = rt_error_text(L, -2);
  if (text && strncmp(text, where, len) == 0) text += len;
  if (text == NULL || strncmp(text, refusal, sizeof refusal - 1) != 0) {
    lua_pop(L, 1);
    return lua_error(L);
  }
  lua_pushfstring(L, "bad argument #%d to '%s' (%s)", (int)lua_tointeger(L, 2), lua_tostring(L, 3),
                  text);
  lua_concat(L, 2);
  return lua_error(L);
}

/* string = internal.class_of(value, ...): the __name of its metatable, or its type; "no value" */
static int push_class_name(lua_State *L) {
  if (lua_isnone(L, 1)) {
    lua_pushliteral(L, "no value");
    return 1;
  }
  lua_settop(L, 1);
  if (luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL && !lua_getmetatable(L, 1)) lua_pushnil(L);
  if (lua_istable(L, -1)) {
    lua_pushliteral(L, "__name");
    if (lua_rawget(L, -2) == LUA_TSTRING) return 1;
  }
  lua_pushstring(L, luaL_typename(L, 1));
  return 1;
}

/* internal.misuse(text): raises it, at the line of the program, outside of rt's files */
static int misuse(lua_State *L) {
  return rtL_call_site_error(L, &rt_self(L)->call_sites, "%s", luaL_checkstring(L, 1));
}

/* proxy = internal.hide(table): see rtL_set_hidden */
static int hide_fields(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  rtL_set_hidden(L);
  return 1;
}

/* internal.check_options(options, function, names): as rtL_check_options */
static int check_options(lua_State *L) {
  lua_settop(L, 3);
  rtL_check_options(L, 1, luaL_checkstring(L, 2), luaL_checkstring(L, 3));
  return 0;
}

/* traceback = internal.raised_trace(error): that of an error which a join has just raised, from its
** task; nil: it has none */
static int raised_trace(lua_State *L) {
  lua_settop(L, 1);
  return rt_traceback_find(L, rt_self(L), 1);
}

/* text = internal.error_text(error): what is written for it, even if its __tostring fails */
static int error_text_of(lua_State *L) {
  rtL_error_text_push(L, 1);
  return 1;
}

static int error_text(lua_State *L) {
  lua_settop(L, 1);
  lua_pushcfunction(L, error_text_of);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return 1;
  lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  return 1;
}

/* internal.raise_here(error, traceback): raises it; the next message handler puts the functions
** that are active here in front of the traceback */
static int raise_here(lua_State *L) {
  lua_settop(L, 2);
  return rtL_traceback_raise(L, rt_self(L));
}

/* internal.raise(error, traceback): raises again what group:run returned */
static int raise_again(lua_State *L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) lua_pop(L, 1);
  return lua_gettop(L) == 2 ? rtL_traceback_raise_whole(L, rt_self(L)) : lua_error(L);
}

/* internal.warn(text): writes "rt: text" to stderr */
static int warn(lua_State *L) {
  fprintf(stderr, "rt: %s\n", luaL_checkstring(L, 1));
  fflush(stderr);
  return 0;
}

void rtL_open_error(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {
      {"on_unhandled", on_unhandled}, {"traceback", traceback}, {NULL, NULL}};
  static const luaL_Reg internal[] = {
      {"check", check_argument},      {"check_sendable", check_sendable},
      {"class_of", push_class_name},  {"check_options", check_options},
      {"hide", hide_fields},          {"misuse", misuse},
      {"raise", raise_again},         {"warn", warn},
      {"raised_trace", raised_trace}, {"raise_here", raise_here},
      {"error_text", error_text},     {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
