#include "pack/code_cache.h"

#include "pack/state.h"

enum { REMEMBERED = RT_SIZE(4096, 4) };

rt_code *rtL_code_cache_find(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  int function = lua_gettop(L);
  rt_code *code = NULL;
  rtL_anchor_push(L, w, RT_ANCHOR_CODES);
  lua_pushvalue(L, function);
  if (lua_rawget(L, -2) == LUA_TNUMBER)
    code = rt_codes_at(&w->pack->codes, (uint64_t)lua_tointeger(L, -1));
  lua_settop(L, function);
  return code;
}

/* Weak tables do not shrink, and every collection walks them: so this one does not become
** larger than is useful. */
static void begin_again(lua_State *L, rt_worker *w) {
  int old = lua_gettop(L);
  w->pack->functions = 0;
  lua_newtable(L);
  lua_getmetatable(L, old);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  rtL_anchor_set(L, w, RT_ANCHOR_CODES);
  lua_replace(L, old);
}

void rtL_code_cache_remember(lua_State *L, rt_worker *w, uint64_t waiter) {
  RTL_ENTER(L, w, 0);
  int function = lua_gettop(L);
  rtL_anchor_push(L, w, RT_ANCHOR_CODES);
  if (w->pack->functions >= REMEMBERED) begin_again(L, w);
  w->pack->functions++;
  lua_pushvalue(L, function);
  lua_pushinteger(L, (lua_Integer)waiter);
  lua_rawset(L, -3);
  lua_settop(L, function);
}

static int append(lua_State *L, const void *bytes, size_t n, void *buf) {
  (void)L;
  return rt_buf_put(buf, bytes, n);
}

rt_code *rtL_code_cache_dump(lua_State *L, rt_worker *w, rt_buf *b, uint64_t *waiter) {
  RTL_ENTER(L, w, 0);
  lua_Debug ar;
  b->head = b->tail = 0;
  if (lua_dump(L, append, b, false) != 0) return NULL;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">u", &ar);
  return rt_codes_put(&w->pack->codes, rt_buf_data(b), rt_buf_len(b), ar.nups, waiter);
}
