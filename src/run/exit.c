#include "run/exit.h"

void rt_exit_request(rt_worker *w, int code) {
  rt_worker_assert_thread(w);
  if (w->exit.has_code) return;
  w->exit.has_code = w->exit.requested = true;
  w->exit.code = code;
  rt_driver_ring(&w->driver); /* it may be about to block */
}

/* --- the original os.exit --------------------------------------------------------------------- */
static const char original_key;

void rtL_exit_set_original(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, -1);
  rtL_worker_keep(L, w, &original_key);
}

void rtL_exit_call_original(lua_State *L, rt_worker *w, int code, bool close) {
  rt_worker_assert_thread(w);
  if (rt_worker_push_kept(L, w, &original_key) == LUA_TFUNCTION) {
    lua_pushinteger(L, code);
    lua_pushboolean(L, close);
    lua_call(L, 2, 0);
    return;
  }
  /* The host had removed os.exit before it loaded rt: do what os.exit of Lua does. */
  if (close) lua_close(L);
  exit(code);
}
