#include "run/idle_gc.h"

#include "run/unjoined.h"

enum {
  FULL_PAUSE = 19,      /* the time between full collections, in times of the last one */
  SOCKETS_LEAST = 256,  /* a collection for fewer sockets is not worth it */
  SOCKET_GARBAGE = 512, /* bytes that a connection leaves: its stream, task, iterator, strings */
  HEAP_PART = 6,        /* a sixth of the heap: so much garbage is worth a collection */
  STEP_SIZE = 16        /* KB: with steps of 0, garbage of failing tasks outran the collector */
};

/* A GC sentinel is garbage as soon as it is made: when it is finalized, the collector has found
** what was garbage before it, in both modes of the collector. (The results of lua_gc do not tell
** that in generational mode.) */
static int gc_sentinel_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  w->idle_gc.has_sentinel = false;
  if (w->idle_gc.cycles > 0) w->idle_gc.cycles--;
  return 0;
}

static int new_gc_sentinel(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  rtL_class_new(L, &w->classes, RT_CLASS_GC_SENTINEL, 1, 0);
  w->idle_gc.has_sentinel = true;
  return 0;
}

static bool ensure_gc_sentinel(rt_worker *w) {
  lua_State *L = w->pcall_L;
  if (w->idle_gc.has_sentinel) return true;
  lua_pushcfunction(L, new_gc_sentinel);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  return w->idle_gc.has_sentinel;
}

/* A finalizer may drop what has a finalizer itself, so one collection is not enough. */
void rt_idle_gc_run(rt_worker *w) {
  rt_worker_assert_thread(w);
  for (int i = 0; i < 2; i++) lua_gc(w->pcall_L, LUA_GCCOLLECT);
}

bool rt_idle_gc_step(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (rt_unlikely(w->idle_gc.at_once)) {
    w->idle_gc.at_once = false;
    rt_idle_gc_run(w);
    return true;
  }
  if (w->idle_gc.cycles == 0 || w->stop.begun || !lua_gc(w->pcall_L, LUA_GCISRUNNING)) return false;
  if (!ensure_gc_sentinel(w) || lua_gc(w->pcall_L, LUA_GCSTEP, STEP_SIZE) < 0)
    w->idle_gc.cycles = 0;
  return true;
}

void rt_idle_gc_socket_left(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (++w->idle_gc.sockets_left < SOCKETS_LEAST) return;
  size_t heap = (size_t)lua_gc(w->pcall_L, LUA_GCCOUNT) * 1024;
  if ((size_t)w->idle_gc.sockets_left * SOCKET_GARBAGE < heap / HEAP_PART) return;
  w->idle_gc.sockets_left = 0;
  if (w->idle_gc.cycles == 0) w->idle_gc.cycles = 1;
}

void rt_idle_gc_on_collect(rt_post *p, void *driver) {
  rt_slot_collect_received(p);
  rt_worker_of(driver)->idle_gc.at_once = true;
}

bool rt_idle_gc_full(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  uint64_t begin = rt_clock();
  if (begin < w->idle_gc.full_after && w->idle_gc.sockets == w->driver.sockets) return false;
  if (lua_gc(L, LUA_GCCOLLECT) != 0) return false;
  uint64_t end = rt_clock();
  w->idle_gc.full_after = end + FULL_PAUSE * (end - begin);
  w->idle_gc.sockets = w->driver.sockets;
  return true;
}

void rt_idle_gc_on_failure(rt_post *p, void *driver) {
  rt_runtime_failure_received(rt_containerof(p, rt_runtime, failure_post));
  rt_idle_gc_request(rt_worker_of(driver));
  rt_unjoined_watch(rt_worker_of(driver), rt_clock());
}

void rtL_idle_gc_class(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg meta[] = {{"__gc", gc_sentinel_gc}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_GC_SENTINEL, &(rt_class_def){.meta = meta});
}
