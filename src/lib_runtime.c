/* lib_runtime.c - the runtime as a whole: rt.shutdown. */
#include "lib.h"
#include "preempt.h"
#include "shutdown.h"

/* rt.shutdown([seconds]) */
static int shut_down(lua_State *L) {
  rt_worker *w = rtL_self(L);
  uint64_t grace = lua_isnoneornil(L, 1) ? RT_GRACE : rtL_check_duration(L, 1);
  if (w->closing) return 0;
  rt_preempt_need(w); /* the main chunk is told even if it computes */
  rt_shutdown(w, grace);
  return 0;
}

void rtL_open_runtime(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"shutdown", shut_down}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
}
