#include "pack/module_ref.h"

#include "pack/value_path.h"
#include "worker/traceback.h"

enum { STACK = 12, STEPS = 3 };

/* The fields of the placeholder, a table. */
enum { ERROR = 1, MODULE };

/* --- looking up ------------------------------------------------------------------------------- */
static void push_loaded_module(lua_State *L) {
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

/* Stack: name, error -> name, placeholder */
static void push_placeholder(lua_State *L, rt_worker *w) {
  lua_createtable(L, MODULE, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, ERROR);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, MODULE);
  lua_pushvalue(L, -1);
  rt_anchor_set(L, w, RT_ANCHOR_ABSENT);
}

/* Stack: name -> name, module. False: it is not found. Stack: name -> name, placeholder */
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
  push_placeholder(L, w);
  return false;
}

/* Stack: name -> name, module. False: it is not found. Stack: name -> name, placeholder */
static bool push_module(lua_State *L, rt_worker *w) {
  if (strcmp(lua_tostring(L, -1), LUA_GNAME) == 0) {
    lua_pushglobaltable(L);
    return true;
  }
  push_loaded_module(L);
  if (lua_toboolean(L, -1)) return true;
  lua_pop(L, 1);
  return push_required(L, w);
}

/* Stack: name, module -> name, value of the field */
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
  RTL_ENTER(L, w, +1);
  luaL_checkstack(L, STACK, NULL);
  lua_pushlstring(L, module, module_len);
  bool found = push_module(L, w);
  if (found && field) get_field(L, field, field_len);
  lua_remove(L, -2);
  return found;
}

/* --- the path to the placeholder -------------------------------------------------------------- */
static bool push_steps(lua_State *L, int placeholder, int steps);

/* Stack: function -> function, the value of an upvalue that leads to the placeholder, …; or
** unchanged */
static bool push_steps_in_function(lua_State *L, int placeholder, int steps) {
  int function = lua_gettop(L);
  for (int i = 1; lua_getupvalue(L, function, i) != NULL; i++) {
    if (push_steps(L, placeholder, steps)) return true;
    lua_settop(L, function);
  }
  return false;
}

/* Stack: table -> table, a value of it that leads to the placeholder, …; or unchanged. The globals
** are those of this worker, and no part of the message. */
static bool push_steps_in_table(lua_State *L, int placeholder, int steps) {
  int table = lua_gettop(L), key = table + 1;
  lua_pushglobaltable(L);
  bool globals = lua_rawequal(L, -1, table);
  lua_pop(L, 1);
  if (globals) return false;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (push_steps(L, placeholder, steps)) {
      lua_remove(L, key);
      return true;
    }
    lua_settop(L, key);
  }
  return false;
}

/* Stack: value -> value, the values on the path from it to the placeholder, the placeholder last.
** False: no path has so few steps, and the stack is unchanged. */
static bool push_steps(lua_State *L, int placeholder, int steps) {
  if (lua_rawequal(L, -1, placeholder)) return true;
  if (steps == 0) return false;
  luaL_checkstack(L, 4, NULL);
  switch (lua_type(L, -1)) {
    case LUA_TFUNCTION: return push_steps_in_function(L, placeholder, steps - 1);
    case LUA_TTABLE: return push_steps_in_table(L, placeholder, steps - 1);
    default: return false;
  }
}

/* Stack: the values from 'root' to the top, each held by the one before -> the text of the path */
static void push_path(lua_State *L, int root, uint32_t place, bool is_call) {
  rt_value_path_text text;
  int last = lua_gettop(L);
  rt_value_path_root(&text, is_call ? "argument" : "value", is_call, place, last > root);
  for (int i = root; i < last; i++) {
    lua_pushvalue(L, i);
    lua_pushvalue(L, i + 1);
    rt_value_path_step(L, &text);
    lua_pop(L, 2);
  }
  lua_settop(L, root - 1);
  lua_pushlstring(L, text.s, text.len);
}

/* Pushes the path to the placeholder from the values at 'first' to 'last'. */
static void push_place(lua_State *L, int placeholder, int first, int last, bool is_call) {
  int root = lua_gettop(L) + 1;
  for (int i = first; i <= last; i++) {
    lua_pushvalue(L, i);
    if (push_steps(L, placeholder, STEPS)) {
      push_path(L, root, (uint32_t)(i - first), is_call);
      return;
    }
    lua_pop(L, 1);
  }
  lua_pushstring(L, is_call ? "a value of this call" : "one of the values");
}

int rtL_module_ref_raise(lua_State *L, rt_worker *w, int first, bool is_call) {
  int last = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  rt_anchor_push(L, w, RT_ANCHOR_ABSENT);
  lua_pushnil(L);
  rt_anchor_set(L, w, RT_ANCHOR_ABSENT);
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
