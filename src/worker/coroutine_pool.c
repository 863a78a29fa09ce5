#include "worker/coroutine_pool.h"

#include "base/base.h"

enum { IDLE_MAX = RT_SIZE(4096, 2), REFERENCE = 1 /* stack index of the reference */ };

int rt_coroutine_pool_init(rt_coroutine_pool *c, lua_State *anchors, lua_State *pcall_L) {
  c->anchors = anchors;
  c->pcall_L = pcall_L;
  c->count = 0;
  c->idle = rt_malloc(IDLE_MAX * sizeof *c->idle);
  return c->idle ? 0 : -ENOMEM;
}

void rt_coroutine_pool_close(rt_coroutine_pool *c) { rt_free(c->idle); }

/* Runs protected. Returns the coroutine as a light userdata: the table anchors it. */
static int make_coroutine(lua_State *L) {
  lua_State *co = lua_newthread(L);
  lua_sethook(co, NULL, 0, 0);
  int number = luaL_ref(L, 1);
  lua_pushinteger(co, number);
  lua_pushlightuserdata(L, co);
  return 1;
}

lua_State *rt_coroutine_pool_take(rt_coroutine_pool *c) {
  if (c->count > 0) return c->idle[--c->count];
  lua_State *L = c->pcall_L, *co = NULL;
  lua_pushcfunction(L, make_coroutine);
  lua_pushvalue(c->anchors, RT_ANCHOR_COROUTINES);
  lua_xmove(c->anchors, L, 1);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) co = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return co;
}

/* The reference of a coroutine in which a function is active: then the bottom of its stack cannot
** be read. */
static int find_reference(rt_coroutine_pool *c, lua_State *co) {
  int n = (int)lua_rawlen(c->anchors, RT_ANCHOR_COROUTINES), found = LUA_NOREF;
  for (int i = 1; i <= n && found == LUA_NOREF; i++) {
    lua_rawgeti(c->anchors, RT_ANCHOR_COROUTINES, i);
    if (lua_tothread(c->anchors, -1) == co) found = i;
    lua_pop(c->anchors, 1);
  }
  return found;
}

static void release(rt_coroutine_pool *c, lua_State *co, int reference) {
  lua_settop(co, 0);
  luaL_unref(c->anchors, RT_ANCHOR_COROUTINES, reference);
}

void rt_coroutine_pool_retire(rt_coroutine_pool *c, lua_State *co) {
  release(c, co, (int)lua_tointeger(co, REFERENCE));
}

void rt_coroutine_pool_give(rt_coroutine_pool *c, lua_State *co) {
  if (rt_unlikely(c->count == IDLE_MAX)) {
    rt_coroutine_pool_retire(c, co);
    return;
  }
  lua_settop(co, REFERENCE);
  if (rt_unlikely(lua_gethookmask(co) != 0)) lua_sethook(co, NULL, 0, 0);
  c->idle[c->count++] = co;
}

void rt_coroutine_pool_retire_broken(rt_coroutine_pool *c, lua_State *co) {
  int reference = find_reference(c, co);
  rt_closethread(co, NULL);
  release(c, co, reference);
}
