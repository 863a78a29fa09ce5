#include "pack/module_index.h"

#include "worker/error.h"
#include "worker/stack_check.h"

enum { STACK = 12 };

void rt_module_index_close(rt_module_index *index) {
  rt_ptr_map_close(&index->names);
  index->signature = 0;
}

static void push_loaded_table(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

static void push_names(lua_State *L, lua_State *anchors) {
  lua_pushvalue(anchors, RT_ANCHOR_MODULE_INDEX);
  lua_xmove(anchors, L, 1);
}

/* --- building --------------------------------------------------------------------------------- */
/* The stack while the index is built. */
enum { LOADED = 1, NAMES, MODULE, HELD, FIELD, VALUE };

/* A value may have several names: the shortest is taken, then a module before a field, then the
** first in alphabetical order, so that every run takes the same one. Is the name at MODULE
** and FIELD better than name number n? */
static bool is_better(lua_State *L, int field, uint32_t n) {
  size_t m1, f1 = 0, m2, f2 = 0;
  const char *old_field = NULL, *new_field = NULL;
  lua_rawgeti(L, NAMES, 2 * (lua_Integer)n - 1);
  lua_rawgeti(L, NAMES, 2 * (lua_Integer)n);
  const char *new_module = lua_tolstring(L, MODULE, &m1);
  const char *old_module = lua_tolstring(L, -2, &m2);
  if (field) new_field = lua_tolstring(L, field, &f1);
  if (lua_isstring(L, -1)) old_field = lua_tolstring(L, -1, &f2);
  lua_pop(L, 2);
  size_t new_len = m1 + f1 + (new_field != NULL), old_len = m2 + f2 + (old_field != NULL);
  if (new_len != old_len) return new_len < old_len;
  if (!new_field != !old_field) return new_field == NULL;
  int order = strcmp(new_module, old_module);
  return order < 0 || (order == 0 && new_field && strcmp(new_field, old_field) < 0);
}

/* Adds the name at MODULE and 'field' of the stack; field 0: the module itself. */
static void add_name(lua_State *L, rt_module_index *index, const void *object, int field) {
  rt_ptr_map_entry *e = rt_ptr_map_at(&index->names, object);
  if (e == NULL) rtL_error_no_memory(L);
  if (e->value != 0 && !is_better(L, field, e->value)) return;
  uint32_t n = e->value != 0 ? e->value : index->names.count;
  lua_pushvalue(L, MODULE);
  lua_rawseti(L, NAMES, 2 * (lua_Integer)n - 1);
  if (field)
    lua_pushvalue(L, field);
  else
    lua_pushboolean(L, false);
  lua_rawseti(L, NAMES, 2 * (lua_Integer)n);
  e->value = n;
}

static bool can_have_name(lua_State *L, int index, bool is_global) {
  int type = lua_type(L, index);
  if (is_global) return lua_iscfunction(L, index);
  return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA;
}

/* Stack: module -> the same; a module of rt that hides its fields (rtL_set_hidden in lib/lib.h) is
** replaced by the table that has them. */
static void open_hidden(lua_State *L, const char *name) {
  int module = lua_gettop(L);
  if (strncmp(name, "rt.", 3) != 0 || !lua_getmetatable(L, module)) return;
  lua_pushliteral(L, "__index");
  lua_rawget(L, -2);
  if (lua_istable(L, -1)) lua_replace(L, module);
  lua_settop(L, module);
}

static void add_module(lua_State *L, rt_module_index *index) {
  bool globals = strcmp(lua_tostring(L, MODULE), LUA_GNAME) == 0;
  if (!globals && can_have_name(L, HELD, false)) add_name(L, index, lua_topointer(L, HELD), 0);
  if (!lua_istable(L, HELD)) return;
  open_hidden(L, lua_tostring(L, MODULE));
  lua_pushnil(L);
  while (lua_next(L, HELD)) {
    if (lua_type(L, FIELD) == LUA_TSTRING && can_have_name(L, VALUE, globals))
      add_name(L, index, lua_topointer(L, VALUE), FIELD);
    lua_settop(L, FIELD);
  }
}

/* Argument: the index. A Lua function, so that it has a stack of its own. */
static int build_index(lua_State *L) {
  rt_module_index *index = lua_touserdata(L, 1);
  lua_State *anchors = lua_touserdata(L, 2);
  lua_settop(L, 0);
  luaL_checkstack(L, STACK, NULL);
  push_loaded_table(L);
  lua_newtable(L);
  index->signature = 0;
  rt_ptr_map_clear(&index->names);
  lua_pushvalue(L, NAMES);
  lua_xmove(L, anchors, 1);
  lua_replace(anchors, RT_ANCHOR_MODULE_INDEX);
  lua_pushnil(L);
  while (lua_next(L, LOADED)) {
    if (lua_type(L, MODULE) == LUA_TSTRING) add_module(L, index);
    lua_settop(L, MODULE);
  }
  return 0;
}

/* A number that changes when a module is added, removed or replaced. (Changes of fields are not
** seen.) */
static uint64_t sign_loaded(lua_State *L) {
  uint64_t sum = 1;
  push_loaded_table(L);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    sum += ((uint64_t)(uintptr_t)lua_topointer(L, -1) | 1) * 0x9e3779b97f4a7c15ull;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return sum;
}

bool rtL_module_index_refresh(lua_State *L, rt_module_index *index, lua_State *anchors,
                              bool force) {
  RTL_STACK_CHECK(L, 0);
  luaL_checkstack(L, STACK, NULL);
  uint64_t signature = sign_loaded(L);
  if (!force && signature == index->signature) return false;
  lua_pushcfunction(L, build_index);
  lua_pushlightuserdata(L, index);
  lua_pushlightuserdata(L, anchors);
  lua_call(L, 2, 0);
  index->signature = signature;
  return true;
}

/* --- looking up ------------------------------------------------------------------------------- */
/* Stack: table, key -> value of the field, or nil */
static void get_raw(lua_State *L) {
  if (lua_istable(L, -2)) {
    lua_rawget(L, -2);
  } else {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_remove(L, -2);
}

/* Stack: module name, field name. Do they still name the value at 'index'? */
static bool is_current(lua_State *L, int index) {
  push_loaded_table(L);
  lua_pushvalue(L, -3);
  get_raw(L);
  if (lua_isstring(L, -2)) {
    open_hidden(L, lua_tostring(L, -3));
    lua_pushvalue(L, -2);
    get_raw(L);
  }
  bool same = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  return same;
}

bool rtL_module_index_find(lua_State *L, const rt_module_index *index, lua_State *anchors,
                           int value) {
  const rt_ptr_map_entry *e = rt_ptr_map_find(&index->names, lua_topointer(L, value));
  if (rt_likely(e == NULL || e->value == 0)) return false; /* 0: an error ended the building */
  value = lua_absindex(L, value);
  luaL_checkstack(L, STACK, NULL);
  push_names(L, anchors);
  lua_rawgeti(L, -1, 2 * (lua_Integer)e->value - 1);
  lua_rawgeti(L, -2, 2 * (lua_Integer)e->value);
  lua_remove(L, -3);
  if (is_current(L, value)) return true;
  lua_pop(L, 2);
  return false;
}
