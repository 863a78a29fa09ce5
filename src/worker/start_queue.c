#include "worker/start_queue.h"

#include "base/base.h"
#include "worker/stack_check.h"

enum {
  SIZE_MIN = RT_SIZE(256, 4),
  SIZE_KEPT = RT_SIZE(65536, 8) /* an empty ring that is larger than this is dropped */
};

void rt_start_queue_init(rt_start_queue *n, lua_State *anchors, lua_State *pcall_L) {
  *n = (rt_start_queue){.anchors = anchors, .pcall_L = pcall_L};
}

static lua_Integer slot(const rt_start_queue *n, uint32_t i) {
  return 1 + (lua_Integer)((n->head + i) & (n->size - 1));
}

/* Frees the array part of a table whose values are all nil: a new key in the full hash part makes
** Lua compute the sizes of both parts again. */
static int overflow(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_rawseti(L, 1, 0);
  return 0;
}

/* Drops a large ring after a burst of spawns. It is freed at once, and not by the garbage collector
** later, since it may be most of the memory of the state. */
static void shrink(rt_start_queue *n) {
  lua_pushcfunction(n->pcall_L, overflow);
  lua_pushvalue(n->anchors, RT_ANCHOR_START_QUEUE);
  lua_xmove(n->anchors, n->pcall_L, 1);
  if (lua_pcall(n->pcall_L, 1, 0, 0) != LUA_OK) lua_pop(n->pcall_L, 1);
  lua_pushnil(n->anchors);
  lua_replace(n->anchors, RT_ANCHOR_START_QUEUE);
  n->size = 0;
}

/* Copies the values to a ring of another size. */
static void resize(lua_State *L, rt_start_queue *n, uint32_t size) {
  lua_createtable(L, (int)size, 0);
  lua_xmove(L, n->anchors, 1);
  for (uint32_t i = 0; i < n->count; i++) {
    lua_rawgeti(n->anchors, RT_ANCHOR_START_QUEUE, slot(n, i));
    lua_rawseti(n->anchors, -2, 1 + (lua_Integer)i);
  }
  lua_replace(n->anchors, RT_ANCHOR_START_QUEUE);
  n->size = size;
  n->head = 0;
}

static void start_queue_reserve(lua_State *L, rt_start_queue *n, uint32_t values) {
  uint32_t size = n->size ? n->size : SIZE_MIN;
  if (values > (UINT32_MAX >> 2) - n->count) luaL_error(L, "too many tasks are queued");
  while (size < n->count + values) size *= 2;
  if (size != n->size) resize(L, n, size);
}

void rtL_start_queue_put(lua_State *L, rt_start_queue *n, int values) {
  RTL_STACK_CHECK(L, -values);
  uint32_t v = (uint32_t)values;
  if (rt_unlikely(n->count + v > n->size)) start_queue_reserve(L, n, v);
  if (rt_unlikely(!lua_checkstack(n->anchors, values))) luaL_error(L, "too many arguments");
  lua_xmove(L, n->anchors, values);
  for (uint32_t i = v; i-- > 0;)
    lua_rawseti(n->anchors, RT_ANCHOR_START_QUEUE, slot(n, n->count + i));
  n->count += v;
}

void rt_start_queue_take(rt_start_queue *n, lua_State *to, int values) {
  for (int i = 0; i < values; i++) {
    lua_rawgeti(n->anchors, RT_ANCHOR_START_QUEUE, slot(n, 0));
    lua_xmove(n->anchors, to, 1);
    rt_start_queue_drop(n, 1);
  }
}

void rt_start_queue_drop(rt_start_queue *n, int values) {
  for (int i = 0; i < values; i++) {
    lua_pushnil(n->anchors);
    lua_rawseti(n->anchors, RT_ANCHOR_START_QUEUE, slot(n, 0));
    n->head++;
    n->count--;
  }
  if (n->count == 0 && n->size > SIZE_KEPT) shrink(n);
}
