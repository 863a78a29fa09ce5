/* lib/sync/barrier.c - rt.barrier: tasks that wait for each other. */
#include "sync/barrier.h"
#include "lib/shared.h"

static const rt_shared_kind kind = {"barrier", rt_barrier_free, RT_CLASS_BARRIER};

static rt_barrier *check_barrier(lua_State *L, rt_worker *w) {
  return rt_barrier_of(rtL_shared_check(L, w, RT_CLASS_BARRIER, 1)->shared);
}

/* barrier = rt.barrier(n) */
static int new_barrier(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 1 && n <= 1 << 30, 1, "a number of tasks from 1 to 2^30 expected");
  rt_shared_ref *s = rtL_shared_new(L, rtL_self(L), RT_CLASS_BARRIER);
  rt_barrier *b = rt_barrier_new(&kind, (int)n);
  rtL_shared_set(L, s, b ? &b->shared : NULL);
  return 1;
}

static int passed(lua_State *L, bool last) {
  lua_pushboolean(L, last);
  return 1;
}

static int wait_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rtL_shared_called(L, rtL_self(L), waiter, NULL);
  return passed(L, false);
}

static int do_wait(lua_State *L, rt_worker *w, rt_barrier *b) {
  rt_task *me = w->running;
  if (rt_unlikely(!rtL_wait_is_plain(L, w, me))) {
    if (rt_barrier_wait(b, NULL)) return passed(L, true); /* the last one need not wait */
    rtL_wait_examine(L, w, me);
  }
  rt_waiter *t = rtL_shared_draw(L, w);
  if (!rt_barrier_wait(b, t)) return rtL_shared_wait(L, w, t, RT_OP_BARRIER, wait_k);
  rt_waiter_free(t);
  return passed(L, true);
}

static int wait_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_wait(L, w, check_barrier(L, w));
}

/* leader = barrier:wait(): true for one of each round */
static int barrier_wait(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_barrier *b = check_barrier(L, w);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, wait_later, 0);
  return do_wait(L, w, b);
}

static int barrier_tostring(lua_State *L) {
  rt_barrier *b = check_barrier(L, rtL_self(L));
  lua_pushfstring(L, "rt.barrier (%d of %d waiting)", rt_barrier_waiting(b), b->size);
  return 1;
}

void rtL_open_barrier(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__tostring", barrier_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"wait", barrier_wait}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"barrier", new_barrier}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_BARRIER, &(rt_class_def){meta, methods, NULL});
  rtL_set_functions(L, w, functions);
}
