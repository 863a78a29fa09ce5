#include "host/close_sentinel.h"

#include "lib/lib.h"
#include "run/stop.h"

static int sentinel_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (w->close_sentinel != lua_touserdata(L, 1)) return 0; /* a newer one has taken its place */
  rt_stop_at_close(L, w);
  return 0;
}

static int renew(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  void *sentinel = lua_newuserdatauv(L, 1, 0);
  rt_anchor_push(L, w, RT_ANCHOR_CLOSE_SENTINEL);
  lua_getmetatable(L, -1);
  lua_setmetatable(L, -3);
  lua_pop(L, 1);
  rt_anchor_set(L, w, RT_ANCHOR_CLOSE_SENTINEL);
  w->close_sentinel = sentinel;
  return 0;
}

void rt_close_sentinel_renew(rt_worker *w) {
  rt_worker_assert_thread(w);
  lua_pushcfunction(w->pcall_L, renew);
  lua_pushlightuserdata(w->pcall_L, w);
  if (lua_pcall(w->pcall_L, 1, 0, 0) != LUA_OK) lua_pop(w->pcall_L, 1);
}

void rtL_close_sentinel_open(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg meta[] = {{"__gc", sentinel_gc}, {NULL, NULL}};
  w->close_sentinel = lua_newuserdatauv(L, 1, 0);
  lua_newtable(L);
  rtL_set_functions(L, w, meta);
  lua_setmetatable(L, -2);
  rt_anchor_set(L, w, RT_ANCHOR_CLOSE_SENTINEL);
}
