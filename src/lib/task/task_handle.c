#include "lib/task/task_handle.h"

#include "task/task_name.h"

bool rt_task_handle_field(lua_State *L, uint64_t id) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "id") == 0) lua_pushinteger(L, (lua_Integer)id);
  return strcmp(key, "name") == 0;
}

static const char *check_name(lua_State *L, int arg) {
  if (lua_isnil(L, arg)) return NULL;
  if (lua_type(L, arg) != LUA_TSTRING)
    luaL_error(L, "task.name: string expected, got %s", luaL_typename(L, arg));
  const char *name = lua_tostring(L, arg);
  lua_pushlstring(L, name, strnlen(name, RT_TASK_NAME_MAX));
  lua_replace(L, arg);
  return lua_tostring(L, arg);
}

const char *rtL_task_handle_newindex(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") != 0) luaL_error(L, "a task has no field '%s' that can be set", key);
  return check_name(L, 3);
}

void rtL_task_handle_tostring(lua_State *L, uint64_t id, const char *status) {
  RTL_STACK_CHECK(L, +1);
  if (lua_isnil(L, -1))
    lua_pushfstring(L, "rt.task %I (%s)", (LUAI_UACINT)id, status);
  else
    lua_pushfstring(L, "rt.task %I (%s, %s)", (LUAI_UACINT)id, lua_tostring(L, -1), status);
}
