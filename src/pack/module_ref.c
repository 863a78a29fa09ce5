#include "pack/module_ref.h"

#include "worker/traceback.h"

enum { STACK = 12, STEPS = 3 };

/* The mark: a table with these. */
enum { ERROR = 1, MODULE };

/* --- by name --------------------------------------------------------------------------------------- */
static void push_loaded(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

static bool is_not_found(lua_State *L, int module) {
  size_t len;
  const char *name = lua_tolstring(L, module, &len);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  static const char before[] = "module '", after[] = "' not found:";
  return strncmp(text, before, strlen(before)) == 0 &&
         strncmp(text + strlen(before), name, len) == 0 &&
         strncmp(text + strlen(before) + len, after, strlen(after)) == 0;
}

/* Stack: name, error -> name, mark */
static void push_mark(lua_State *L, rt_worker *w) {
  lua_createtable(L, MODULE, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, ERROR);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, MODULE);
  lua_pushvalue(L, -1);
  rtL_anchor_set(L, w, RT_ANCHOR_ABSENT);
}

/* Stack: name -> name, module; or, false: name, mark */
static bool push_required(lua_State *L, rt_worker *w) {
  int name = lua_gettop(L);
  lua_pushcfunction(L, rtL_traceback_handler);
  if (lua_getglobal(L, "require") != LUA_TFUNCTION)
    luaL_error(L, "cannot load module '%s': there is no function 'require'", lua_tostring(L, name));
  lua_pushvalue(L, name);
  bool found = lua_pcall(L, 1, 1, name + 1) == LUA_OK;
  lua_remove(L, name + 1);
  if (found) return true;
  if (!is_not_found(L, name)) lua_error(L);
  push_mark(L, w);
  return false;
}

/* Stack: name -> name, module; or, false: name, mark */
static bool push_module(lua_State *L, rt_worker *w) {
  if (strcmp(lua_tostring(L, -1), LUA_GNAME) == 0) {
    lua_pushglobaltable(L);
    return true;
  }
  push_loaded(L);
  if (lua_toboolean(L, -1)) return true;
  lua_pop(L, 1);
  return push_required(L, w);
}

/* Stack: name, module -> the field */
static void get_field(lua_State *L, const char *field, size_t len) {
  lua_pushlstring(L, field, len);
  if (lua_istable(L, -2)) {
    lua_pushvalue(L, -1);
    lua_gettable(L, -3);
  } else {
    lua_pushnil(L);
  }
  if (lua_isnil(L, -1))
    luaL_error(L, "module '%s' has no '%s' here", lua_tostring(L, -4), lua_tostring(L, -2));
  lua_replace(L, -3);
  lua_pop(L, 1);
}

bool rtL_module_ref_push(lua_State *L, rt_worker *w, const char *module, size_t module_len,
                         const char *field, size_t field_len) {
  luaL_checkstack(L, STACK, NULL);
  lua_pushlstring(L, module, module_len);
  bool found = push_module(L, w);
  if (found && field) get_field(L, field, field_len);
  lua_remove(L, -2);
  return found;
}

/* --- where it was ---------------------------------------------------------------------------------- */
/* "upvalue 'config' .log.file": a blank before each upvalue, and before a name in a table that is
** none of another table. */
static const char *blank_before(const char *way, bool in_table) {
  return *way == '\0' || (in_table && *way != 'u') ? "" : " ";
}

static bool push_way(lua_State *L, int mark, int steps);

/* Stack: function -> function, way; or as it was */
static bool push_way_in_function(lua_State *L, int mark, int steps) {
  int function = lua_gettop(L);
  const char *name;
  for (int i = 1; (name = lua_getupvalue(L, function, i)) != NULL; i++) {
    if (strcmp(name, "_ENV") != 0 && push_way(L, mark, steps)) {
      const char *way = lua_tostring(L, -1);
      lua_pushfstring(L, "upvalue '%s'%s%s", name, blank_before(way, false), way);
      lua_replace(L, function + 1);
      lua_settop(L, function + 1);
      return true;
    }
    lua_settop(L, function);
  }
  return false;
}

/* Stack: table -> table, way; or as it was */
static bool push_way_in_table(lua_State *L, int mark, int steps) {
  int table = lua_gettop(L), key = table + 1;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (push_way(L, mark, steps)) {
      const char *way = lua_tostring(L, -1), *blank = blank_before(way, true);
      int type = lua_type(L, key);
      if (type == LUA_TSTRING)
        lua_pushfstring(L, ".%s%s%s", lua_tostring(L, key), blank, way);
      else if (lua_isinteger(L, key))
        lua_pushfstring(L, "[%I]%s%s", (LUAI_UACINT)lua_tointeger(L, key), blank, way);
      else
        lua_pushfstring(L, "[%s]%s%s", lua_typename(L, type), blank, way);
      lua_replace(L, key);
      lua_settop(L, key);
      return true;
    }
    lua_settop(L, key);
  }
  return false;
}

/* Stack: value -> value, way from it to the mark; or as it was: there is none, or a long one */
static bool push_way(lua_State *L, int mark, int steps) {
  if (lua_rawequal(L, -1, mark)) {
    lua_pushliteral(L, "");
    return true;
  }
  if (steps == 0) return false;
  switch (lua_type(L, -1)) {
    case LUA_TFUNCTION: return push_way_in_function(L, mark, steps - 1);
    case LUA_TTABLE: return push_way_in_table(L, mark, steps - 1);
    default: return false;
  }
}

/* Of value number i, from 0 on; the way from it is on top. */
static void push_noun(lua_State *L, int i, bool is_call) {
  const char *way = lua_tostring(L, -1), *blank = blank_before(way, false);
  if (!is_call)
    lua_pushfstring(L, "value %d%s%s", i + 1, blank, way);
  else if (i > 0)
    lua_pushfstring(L, "argument %d%s%s", i, blank, way);
  else
    lua_pushstring(L, *way ? way : "the function");
}

static void push_place(lua_State *L, int mark, int first, int last, bool is_call) {
  for (int i = first; i <= last; i++) {
    lua_pushvalue(L, i);
    if (push_way(L, mark, STEPS)) {
      push_noun(L, i - first, is_call);
      return;
    }
    lua_pop(L, 1);
  }
  lua_pushstring(L, is_call ? "a value of this call" : "one of the values");
}

int rtL_module_ref_raise(lua_State *L, rt_worker *w, int first, bool is_call) {
  int last = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  rtL_anchor_push(L, w, RT_ANCHOR_ABSENT);
  lua_pushnil(L);
  rtL_anchor_set(L, w, RT_ANCHOR_ABSENT);
  lua_rawgeti(L, last + 1, ERROR);
  push_place(L, last + 1, first, last, is_call);
  const char *place = lua_tostring(L, -1), *error = lua_tostring(L, last + 2);
  lua_rawgeti(L, last + 1, MODULE);
  return luaL_error(
      L,
      "%s\n(%s is of module '%s', and modules travel by name: each state requires its own."
      "\nBefore the first spawn, say in package.path where it is, or have each worker make it"
      " by rt.preload)",
      error, place, lua_tostring(L, -1));
}
