#include "host/preload.h"

#include "pack/unpack.h"
#include "worker/error_text.h"

static int preload_next(lua_State *L, int status, lua_KContext i);

static int preload_next(lua_State *L, int status, lua_KContext i) {
  rt_worker *w = rt_worker_find(L);
  rt_worker_config *c = w->worker_config;
  (void)status;
  for (; i < c->count; i++) {
    lua_settop(L, 0);
    rtL_unpack(L, w, c->preloads[i]);
    if (lua_type(L, 1) == LUA_TSTRING) {
      lua_getglobal(L, "require");
      lua_insert(L, 1);
    }
    lua_callk(L, lua_gettop(L) - 1, 0, i + 1, preload_next);
  }
  w->preload.running = false;
  return 0;
}

static int preloaded(lua_State *L, int status, lua_KContext ctx) {
  rt_worker *w = rt_worker_find(L);
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD) return 0;
  const char *why = rtL_error_text_push(L, -1);
  lua_pushfstring(L, "rt.preload failed in this worker: %s", why);
  w->preload.error = lua_tostring(L, -1);
  rtL_worker_keep(L, w, &w->preload.error);
  w->preload.running = false;
  return 0;
}

static int start_preloads(lua_State *L) { return preload_next(L, LUA_OK, 0); }

static int preload_body(lua_State *L) {
  lua_pushcfunction(L, start_preloads);
  return preloaded(L, lua_pcallk(L, 0, 0, 0, 0, preloaded), 0);
}

static int spawn_preload(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  lua_pushcfunction(L, preload_body);
  rtL_worker_spawn(L, w, 0, 0, RT_NORMAL);
  return 0;
}

bool rt_preload_start(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->worker_config->count == 0) return true;
  w->preload.running = true;
  lua_pushcfunction(w->pcall_L, spawn_preload);
  lua_pushlightuserdata(w->pcall_L, w);
  if (lua_pcall(w->pcall_L, 1, 0, 0) == LUA_OK) return true;
  lua_pop(w->pcall_L, 1);
  return false;
}
