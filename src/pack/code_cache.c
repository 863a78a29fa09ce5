#include "pack/code_cache.h"

#include "pack/state.h"
#include "worker/bytecode.h"

enum { FUNCTIONS_MAX = RT_SIZE(4096, 4) };

rt_code *rt_code_cache_find(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  int function = lua_gettop(L);
  rt_code *code = NULL;
  rt_anchor_push(L, w, RT_ANCHOR_CODES);
  lua_pushvalue(L, function);
  if (lua_rawget(L, -2) == LUA_TNUMBER)
    code = rt_codes_at(&w->pack->codes, (uint64_t)lua_tointeger(L, -1));
  lua_settop(L, function);
  return code;
}

/* Replaces the table by an empty one. A weak table does not shrink, and every collection traverses
** it. Stack: table -> the new one */
static void clear_table(lua_State *L, rt_worker *w) {
  int old = lua_gettop(L);
  w->pack->functions = 0;
  lua_newtable(L);
  lua_getmetatable(L, old);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  rt_anchor_set(L, w, RT_ANCHOR_CODES);
  lua_replace(L, old);
}

void rtL_code_cache_add(lua_State *L, rt_worker *w, uint64_t key) {
  RTL_ENTER(L, w, 0);
  int function = lua_gettop(L);
  rt_anchor_push(L, w, RT_ANCHOR_CODES);
  if (w->pack->functions >= FUNCTIONS_MAX) clear_table(L, w);
  w->pack->functions++;
  lua_pushvalue(L, function);
  lua_pushinteger(L, (lua_Integer)key);
  lua_rawset(L, -3);
  lua_settop(L, function);
}

rt_code *rt_code_cache_dump(lua_State *L, rt_worker *w, rt_buf *b, uint64_t *key, bool *is_new) {
  RTL_ENTER(L, w, 0);
  lua_Debug ar;
  b->head = b->tail = 0;
  if (!rt_bytecode_dump(L, b)) return NULL;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">u", &ar);
  return rt_codes_put(&w->pack->codes, rt_buf_data(b), rt_buf_len(b), ar.nups, key, is_new);
}
