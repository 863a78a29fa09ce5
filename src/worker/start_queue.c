#include "worker/start_queue.h"

#include "base/base.h"
#include "worker/stack_check.h"

enum {
  SIZE_MIN = RT_SIZE(256, 4),
  SIZE_KEPT = RT_SIZE(65536, 8), /* an empty ring that is larger than this is dropped */
  TAKEN_AT_ONCE = 8              /* values that pass through the stack of the anchors together */
};

void rt_start_queue_init(rt_start_queue *q, lua_State *anchors, lua_State *pcall_L, int ring) {
  *q = (rt_start_queue){.anchors = anchors, .pcall_L = pcall_L, .ring = ring};
}

static lua_Integer index_of(const rt_start_queue *q, uint32_t i) {
  return 1 + (lua_Integer)((q->head + i) & (q->size - 1));
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
static void shrink(rt_start_queue *q) {
  lua_pushcfunction(q->pcall_L, overflow);
  lua_pushvalue(q->anchors, q->ring);
  lua_xmove(q->anchors, q->pcall_L, 1);
  if (lua_pcall(q->pcall_L, 1, 0, 0) != LUA_OK) lua_pop(q->pcall_L, 1);
  lua_pushnil(q->anchors);
  lua_replace(q->anchors, q->ring);
  q->size = 0;
}

/* Copies the values to a ring of another size. */
static void resize(lua_State *L, rt_start_queue *q, uint32_t size) {
  lua_createtable(L, (int)size, 0);
  lua_xmove(L, q->anchors, 1);
  for (uint32_t i = 0; i < q->count; i++) {
    lua_rawgeti(q->anchors, q->ring, index_of(q, i));
    lua_rawseti(q->anchors, -2, 1 + (lua_Integer)i);
  }
  lua_replace(q->anchors, q->ring);
  q->size = size;
  q->head = 0;
}

static void start_queue_reserve(lua_State *L, rt_start_queue *q, uint32_t values) {
  uint32_t size = q->size ? q->size : SIZE_MIN;
  if (values > (UINT32_MAX >> 2) - q->count) luaL_error(L, "too many tasks are queued");
  while (size < q->count + values) size *= 2;
  if (size != q->size) resize(L, q, size);
}

void rtL_start_queue_put(lua_State *L, rt_start_queue *q, int values) {
  RTL_STACK_CHECK(L, -values);
  uint32_t v = (uint32_t)values;
  if (rt_unlikely(q->count + v > q->size)) start_queue_reserve(L, q, v);
  if (rt_unlikely(!lua_checkstack(q->anchors, values))) luaL_error(L, "too many arguments");
  lua_xmove(L, q->anchors, values);
  for (uint32_t i = v; i-- > 0;) lua_rawseti(q->anchors, q->ring, index_of(q, q->count + i));
  q->count += v;
}

void rt_start_queue_take(rt_start_queue *q, lua_State *to, int values) {
  while (values > 0) {
    int n = values < TAKEN_AT_ONCE ? values : TAKEN_AT_ONCE;
    for (int i = 0; i < n; i++) lua_rawgeti(q->anchors, q->ring, index_of(q, (uint32_t)i));
    lua_xmove(q->anchors, to, n);
    rt_start_queue_drop(q, n);
    values -= n;
  }
}

void rt_start_queue_drop(rt_start_queue *q, int values) {
  for (int i = 0; i < values; i++) {
    lua_pushnil(q->anchors);
    lua_rawseti(q->anchors, q->ring, index_of(q, 0));
    q->head++;
    q->count--;
  }
  if (q->count == 0 && q->size > SIZE_KEPT) shrink(q);
}
