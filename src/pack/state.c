#include "pack/state.h"

void rtL_pack_open(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (w->pack == NULL) w->pack = rt_calloc(sizeof *w->pack);
  if (w->pack == NULL) rtL_error_no_memory(L);
}

void rt_pack_close(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->pack == NULL) return;
  rt_pack_bufs_close(&w->pack->bufs);
  rt_module_index_close(&w->pack->modules);
  rt_codes_close(&w->pack->codes);
  rt_free(w->pack);
  w->pack = NULL;
}

int rt_pack_depth(const rt_worker *w) { return w->pack->bufs.taken; }
