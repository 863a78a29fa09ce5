/* lib/sync/limiter.c - rt.limiter: tokens that come at a rate, for tasks of any workers. */
#include "lib/operation.h"
#include "sync/limiter.h"

#include <limits.h>
#include <math.h>

static const rt_shared_kind limiter_kind = {"limiter", rt_limiter_free, RT_CLASS_LIMITER, NULL};

static rt_limiter *check_limiter(lua_State *L, rt_worker *w) {
  return rt_limiter_of(rtL_shared_check(L, w, RT_CLASS_LIMITER, 1)->shared);
}

/* --- making one ------------------------------------------------------------------------------- */
static lua_Number read_rate(lua_State *L) {
  int type = rtL_option(L, 1, "rate");
  lua_Number rate = lua_tonumber(L, -1);
  if (type != LUA_TNUMBER || !(rate > 0) || isinf(rate))
    luaL_error(L, "option 'rate': a number of tokens a second above 0 expected");
  lua_pop(L, 1);
  return rate;
}

static lua_Integer read_burst(lua_State *L) {
  int valid = 1, type = rtL_option(L, 1, "burst");
  lua_Integer burst = type == LUA_TNIL ? 1 : lua_tointegerx(L, -1, &valid);
  if ((type != LUA_TNIL && type != LUA_TNUMBER) || !valid || burst < 1 || burst > INT_MAX)
    luaL_error(L, "option 'burst': an integer from 1 to 2^31 - 1 expected");
  lua_pop(L, 1);
  return burst;
}

/* limiter = rt.limiter{rate = tokens a second, burst = n} */
static int new_limiter(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  rtL_check_options(L, 1, "limiter", "rate, burst");
  lua_Number rate = read_rate(L);
  lua_Integer burst = read_burst(L);
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_LIMITER);
  rt_limiter *limiter = rt_limiter_new(&limiter_kind, (double)rate, burst);
  rtL_shared_set(L, ref, limiter ? &limiter->shared : NULL);
  return 1;
}

/* --- waiting for tokens ----------------------------------------------------------------------- */
static rt_limiter *limiter_of(const rt_branch *b) { return rt_limiter_of(rt_branch_shared(b)); }

static int check_tokens(lua_State *L, const rt_limiter *l) {
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 1 && n <= l->burst, 2, "a number of tokens from 1 to 'burst' expected");
  return (int)n;
}

static int limiter_acquire_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  if (!rt_limiter_acquire(limiter_of(b), (int)b->number)) return -1;
  lua_pushboolean(L, 1);
  return 1;
}

static bool limiter_acquire_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  int err = rt_limiter_await(limiter_of(b), (int)b->number, b->waiter);
  if (err == UV_ENOMEM) b->error = err;
  return err == 0;
}

/* The tokens were taken for this task. If another thread has cancelled the task, they are given
** back. */
static int limiter_acquire_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_limiter *l = limiter_of(b);
  rt_limiter_waited(l, &w->driver);
  if (rt_unlikely(rt_cancel_from_other_thread(w))) {
    rt_limiter_give_back(l, (int)b->number);
    rtL_cancel_takes_precedence(L, w);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static uint64_t limiter_acquire_number(lua_State *L) {
  return (uint64_t)check_tokens(L, check_limiter(L, rt_self(L)));
}

static const rt_op_kind limiter_acquire_kind = {.name = "acquire",
                                                .waits_for = RT_OP_ACQUIRE,
                                                .has_waiter = true,
                                                .attempt = limiter_acquire_attempt,
                                                .arm = limiter_acquire_arm,
                                                .finish = limiter_acquire_finish,
                                                .number = limiter_acquire_number};

/* true = limiter:acquire([n]) */
static int limiter_acquire(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_LIMITER, 1);
  return rtL_operation_run(L, w, &limiter_acquire_kind, ref, limiter_acquire_number(L));
}

/* op = limiter:acquire_op([n]) */
static int limiter_acquire_op(lua_State *L) {
  uint64_t n = limiter_acquire_number(L);
  lua_settop(L, 1);
  return rtL_operation_new(L, rt_self(L), &limiter_acquire_kind, n);
}

/* true | nil, "no tokens" = limiter:try_acquire([n]) */
static int limiter_try_acquire(lua_State *L) {
  rt_limiter *l = check_limiter(L, rt_self(L));
  if (!rt_limiter_acquire(l, check_tokens(L, l))) return rtL_shared_refuse(L, "no tokens");
  lua_pushboolean(L, 1);
  return 1;
}

/* --- the rest --------------------------------------------------------------------------------- */
/* n = limiter:available() */
static int limiter_available(lua_State *L) {
  int waiting;
  lua_pushinteger(L, rt_limiter_available(check_limiter(L, rt_self(L)), &waiting));
  return 1;
}

static int limiter_tostring(lua_State *L) {
  int waiting;
  rt_limiter *l = check_limiter(L, rt_self(L));
  int64_t tokens = rt_limiter_available(l, &waiting);
  lua_pushfstring(L, "rt.limiter (%f a second, %I available, %d waiting)", (LUAI_UACNUMBER)l->rate,
                  (LUAI_UACINT)tokens, waiting);
  return 1;
}

void rtL_open_limiter(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__tostring", limiter_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"acquire", limiter_acquire},
                                     {"acquire_op", limiter_acquire_op},
                                     {"try_acquire", limiter_try_acquire},
                                     {"available", limiter_available},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"limiter", new_limiter}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_LIMITER, &(rt_class_def){meta, methods, NULL});
  rtL_set_functions(L, w, functions);
}
