/* lib/sync/barrier.c - rt.barrier: a number of tasks of any workers wait for each other. */
#include "lib/operation.h"
#include "sync/barrier.h"

static const rt_shared_kind barrier_kind = {"barrier", rt_barrier_free, RT_CLASS_BARRIER, NULL};

static rt_barrier *check_barrier(lua_State *L, rt_worker *w) {
  return rt_barrier_of(rtL_shared_check(L, w, RT_CLASS_BARRIER, 1)->shared);
}

/* barrier = rt.barrier(n) */
static int new_barrier(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 1 && n <= 1 << 30, 1, "a number of tasks from 1 to 2^30 expected");
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_BARRIER);
  rt_barrier *b = rt_barrier_new(&barrier_kind, (int)n);
  rtL_shared_set(L, ref, b ? &b->shared : NULL);
  return 1;
}

static rt_barrier *barrier_of(const rt_branch *b) { return rt_barrier_of(rt_branch_shared(b)); }

static int barrier_wait_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  if (!rt_barrier_wait(barrier_of(b))) return -1;
  lua_pushboolean(L, 1);
  return 1;
}

static bool barrier_wait_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_barrier_await(barrier_of(b), b->waiter);
}

static int barrier_wait_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w, (void)b;
  lua_pushboolean(L, 0);
  return 1;
}

static const rt_op_kind barrier_wait_kind = {.name = "wait",
                                             .waits_for = RT_OP_BARRIER,
                                             .has_waiter = true,
                                             .attempt = barrier_wait_attempt,
                                             .arm = barrier_wait_arm,
                                             .finish = barrier_wait_finish};

/* leader = barrier:wait(): true for the last task of each round */
static int barrier_wait(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_BARRIER, 1);
  return rtL_operation_run(L, w, &barrier_wait_kind, ref, 0);
}

static int barrier_tostring(lua_State *L) {
  rt_barrier *b = check_barrier(L, rt_self(L));
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
