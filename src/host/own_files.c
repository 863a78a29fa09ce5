#include "host/own_files.h"

#include "host/core_module.h"

#include <unistd.h>

const char rt_own_files_key[] = "own files";

static const char *const forms[] = {"%s/%s.lua", "%s/%s/init.lua"};

/* Stack: name -> loader, file; or the text of what was not found */
static int find_file(lua_State *L, const char *folder, const char *name) {
  const char *path = luaL_gsub(L, name, ".", "/");
  for (size_t i = 0; i < rt_countof(forms); i++) {
    const char *file = lua_pushfstring(L, forms[i], folder, path);
    if (access(file, R_OK) != 0) continue;
    if (luaL_loadfile(L, file) != LUA_OK)
      return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, file,
                        lua_tostring(L, -1));
    lua_insert(L, -2);
    return 2;
  }
  lua_pushfstring(L, "no file '%s'\n\tno file '%s'", lua_tostring(L, -2), lua_tostring(L, -1));
  return 1;
}

/* The module was made when rt-lua began, or the worker. */
static int load_core(lua_State *L) { return rtL_core_module_find(L) ? 1 : 0; }

/* loader, file = searcher(name); upvalue 2 is the folder */
static int searcher(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (strcmp(name, "rt.core") == 0) {
    lua_pushcfunction(L, load_core);
    lua_pushliteral(L, ":rt-lua:");
    return 2;
  }
  if (strcmp(name, "rt") != 0 && strncmp(name, "rt.", 3) != 0) return 0;
  return find_file(L, lua_tostring(L, lua_upvalueindex(2)), name);
}

/* Stack: package.searchers, folder -> the same */
static void add_searcher(lua_State *L, rt_worker *w) {
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, searcher, 2);
  lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
}

void rtL_own_files_open(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, -1);
  int folder = lua_gettop(L);
  if (lua_isstring(L, folder) && rt_worker_push_kept(L, w, rt_kept_package) == LUA_TTABLE &&
      lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
    lua_pushvalue(L, folder);
    add_searcher(L, w);
    rtL_worker_keep(L, w, rt_own_files_key);
  }
  lua_settop(L, folder - 1);
}
