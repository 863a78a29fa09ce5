#include "lib/lib.h"

#include <math.h>

/* (libuv's codes for getaddrinfo, EAI_NONAME and the like, are not widely known.) */
static const char *error_code(int err) {
  switch (err) {
    case UV_EAI_NONAME:
    case UV_EAI_NODATA: return "ENOTFOUND";
    default: return rt_system_error_name(err);
  }
}

static const char *error_message(int err) {
  return err == UV_EAI_NONAME || err == UV_EAI_NODATA ? "no such host" : rt_system_error_text(err);
}

int rtL_fail(lua_State *L, int err, const char *where) {
  RTL_STACK_CHECK(L, +3);
  const char *code = error_code(err);
  rtL_cancel_takes_precedence(L, rt_self(L));
  lua_pushnil(L);
  if (where)
    lua_pushfstring(L, "%s: %s (%s)", code, error_message(err), where);
  else
    lua_pushfstring(L, "%s: %s", code, error_message(err));
  lua_pushstring(L, code);
  return 3;
}

uint64_t rtL_duration_of(lua_State *L, int arg, lua_Number seconds) {
  RTL_STACK_CHECK(L, 0);
  luaL_argcheck(L, !isnan(seconds), arg, "a number of seconds expected, got NaN");
  if (seconds <= 0) return 0;
  lua_Number ns = seconds * (lua_Number)RT_SECOND;
  return ns < 9.2e18 ? (uint64_t)ceil(ns) : RT_FOREVER;
}

uint64_t rtL_check_duration(lua_State *L, int arg) {
  RTL_STACK_CHECK(L, 0);
  return rtL_duration_of(L, arg, luaL_checknumber(L, arg));
}

static bool is_in_list(const char *name, const char *names) {
  size_t len = strlen(name);
  for (const char *at = names; len > 0 && (at = strstr(at, name)) != NULL; at += len)
    if ((at == names || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0')) return true;
  return false;
}

void rtL_check_options(lua_State *L, int arg, const char *function, const char *names) {
  RTL_STACK_CHECK(L, 0);
  if (lua_isnoneornil(L, arg)) return;
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    if (lua_type(L, -2) != LUA_TSTRING || !is_in_list(lua_tostring(L, -2), names)) {
      rtL_call_site_where(L, &rt_self(L)->call_sites, 1);
      lua_pushfstring(L, "rt.%s: unknown option '%s' (known: %s)", function,
                      luaL_tolstring(L, -3, NULL), names);
      lua_remove(L, -2);
      lua_concat(L, 2);
      lua_error(L);
    }
    lua_pop(L, 1);
  }
}

int rtL_option(lua_State *L, int arg, const char *name) {
  RTL_STACK_CHECK(L, +1);
  if (lua_isnoneornil(L, arg)) {
    lua_pushnil(L);
    return LUA_TNIL;
  }
  luaL_checktype(L, arg, LUA_TTABLE);
  return lua_getfield(L, arg, name);
}

bool rtL_option_bool(lua_State *L, int arg, const char *name, bool default_value) {
  RTL_STACK_CHECK(L, 0);
  int type = rtL_option(L, arg, name);
  bool value = type == LUA_TNIL ? default_value : lua_toboolean(L, -1);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "option '%s': boolean expected, got %s", name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return value;
}

size_t rtL_option_bound(lua_State *L, int arg, const char *name, size_t default_value) {
  RTL_STACK_CHECK(L, 0);
  size_t bound = default_value;
  if (rtL_option(L, arg, name) != LUA_TNIL) {
    int valid;
    lua_Integer n = lua_tointegerx(L, -1, &valid);
    bool number = lua_type(L, -1) == LUA_TNUMBER;
    bool huge = number && lua_tonumber(L, -1) == (lua_Number)HUGE_VAL;
    if (!huge && (!number || !valid || n < 1))
      luaL_error(L, "option '%s': a positive integer, or math.huge, expected", name);
    bound = huge ? SIZE_MAX : (size_t)n;
  }
  lua_pop(L, 1);
  return bound;
}

static int next_field(lua_State *L) {
  lua_settop(L, 2);
  if (lua_next(L, 1)) return 2;
  lua_pushnil(L);
  return 1;
}

/* next, table, nil = __pairs(proxy) */
static int pairs_of_hidden(lua_State *L) {
  lua_pushcfunction(L, next_field);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushnil(L);
  return 3;
}

void rtL_set_hidden(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, pairs_of_hidden, 1);
  lua_setfield(L, -2, "__pairs");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

void rtL_set_functions(lua_State *L, rt_worker *w, const luaL_Reg *functions) {
  RTL_ENTER(L, w, 0);
  lua_pushlightuserdata(L, w); /* upvalue 1, for rt_self */
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  luaL_setfuncs(L, functions, 2);
}

void rtL_set_internal_functions(lua_State *L, rt_worker *w, const luaL_Reg *functions) {
  RTL_ENTER(L, w, 0);
  luaL_getsubtable(L, -1, "internal");
  rtL_set_functions(L, w, functions);
  lua_pop(L, 1);
}
