#include "worker/start_queue.h"

#include "base/base.h"
#include "worker/stack_check.h"

enum { SMALLEST = RT_SIZE(256, 4), KEPT = RT_SIZE(65536, 8) };

void rt_nursery_init(rt_nursery *n, lua_State *keep, lua_State *hand) {
  *n = (rt_nursery){.keep = keep, .hand = hand};
}

static lua_Integer slot(const rt_nursery *n, uint32_t i) {
  return 1 + (lua_Integer)((n->head + i) & (n->size - 1));
}

/* A table whose hash part overflows is measured anew: then its array, all nil, goes. */
static int overflow(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_rawseti(L, 1, 0);
  return 0;
}

/* After a flood, its bed: not left to the collector, it may be most of the memory. */
static void shrink(rt_nursery *n) {
  lua_pushcfunction(n->hand, overflow);
  lua_pushvalue(n->keep, RT_KEEP_NURSERY);
  lua_xmove(n->keep, n->hand, 1);
  if (lua_pcall(n->hand, 1, 0, 0) != LUA_OK) lua_pop(n->hand, 1);
  lua_pushnil(n->keep);
  lua_replace(n->keep, RT_KEEP_NURSERY);
  n->size = 0;
}

/* A ring of another size with the same values becomes the ring. */
static void resize(lua_State *L, rt_nursery *n, uint32_t size) {
  lua_createtable(L, (int)size, 0);
  lua_xmove(L, n->keep, 1);
  for (uint32_t i = 0; i < n->count; i++) {
    lua_rawgeti(n->keep, RT_KEEP_NURSERY, slot(n, i));
    lua_rawseti(n->keep, -2, 1 + (lua_Integer)i);
  }
  lua_replace(n->keep, RT_KEEP_NURSERY);
  n->size = size;
  n->head = 0;
}

static void reserve(lua_State *L, rt_nursery *n, uint32_t values) {
  uint32_t size = n->size ? n->size : SMALLEST;
  if (values > (UINT32_MAX >> 2) - n->count) luaL_error(L, "too many tasks are queued");
  while (size < n->count + values) size *= 2;
  if (size != n->size) resize(L, n, size);
}

void rtL_nursery_put(lua_State *L, rt_nursery *n, int values) {
  RTL_HEIGHT(L, -values);
  uint32_t v = (uint32_t)values;
  if (rt_unlikely(n->count + v > n->size)) reserve(L, n, v);
  if (rt_unlikely(!lua_checkstack(n->keep, values))) luaL_error(L, "too many arguments");
  lua_xmove(L, n->keep, values);
  for (uint32_t i = v; i-- > 0;) lua_rawseti(n->keep, RT_KEEP_NURSERY, slot(n, n->count + i));
  n->count += v;
}

void rt_nursery_take(rt_nursery *n, lua_State *to, int values) {
  for (int i = 0; i < values; i++) {
    lua_rawgeti(n->keep, RT_KEEP_NURSERY, slot(n, 0));
    lua_xmove(n->keep, to, 1);
    rt_nursery_drop(n, 1);
  }
}

void rt_nursery_drop(rt_nursery *n, int values) {
  for (int i = 0; i < values; i++) {
    lua_pushnil(n->keep);
    lua_rawseti(n->keep, RT_KEEP_NURSERY, slot(n, 0));
    n->head++;
    n->count--;
  }
  if (n->count == 0 && n->size > KEPT) shrink(n);
}
