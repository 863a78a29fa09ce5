/* lib/task/time.c - rt.now, rt.sleep; waiting for a time, or a tick, in rt.select. */
#include "lib/operation.h"

/* t = rt.now() */
static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)rt_clock() / (lua_Number)RT_SECOND);
  return 1;
}

static int slept(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_over(L, w);
  return 0;
}

static int sleep_for(lua_State *L, rt_worker *w, uint64_t ns) {
  rt_task *t = rtL_cancel_checkpoint(L, w);
  rtL_wait_prepare(L, w, t);
  if (ns == 0) {
    w->loop.yielded = true;
    rt_ready_add(&w->driver.ready, t);
  } else {
    rt_task_sleep(t, &w->driver.wheel, rt_driver_after(&w->driver, ns));
  }
  return rtL_wait(L, w, slept, 0);
}

/* rt.sleep(seconds) */
static int do_sleep(lua_State *L) { return sleep_for(L, rtL_self(L), rtL_check_duration(L, 1)); }

/* internal.sleep_until(t): t as rt.now() counts */
static int sleep_until(lua_State *L) {
  lua_Number left = luaL_checknumber(L, 1) - (lua_Number)rt_clock() / (lua_Number)RT_SECOND;
  return sleep_for(L, rtL_self(L), rtL_duration_of(L, 1, left));
}

/* --- for rt.select ---------------------------------------------------------------------------------- */
static uint64_t duration_of(lua_State *L, int op) {
  lua_getiuservalue(L, op, RT_OPERATION_OBJECT);
  uint64_t ns = rtL_duration_of(L, 1, lua_tonumber(L, -1));
  lua_pop(L, 1);
  return ns;
}

static int attempt_sleep(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  bool over = b ? b->due <= rt_driver_tick(&w->driver) : duration_of(L, op) == 0;
  return over ? 0 : -1;
}

static void prepare_sleep(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  b->due = rt_driver_after(&w->driver, duration_of(L, op));
}

static bool arm_sleep(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)L, (void)op;
  if (b->due != RT_NEVER) rt_operation_sleep(b, &w->driver);
  return true;
}

static const rt_op_kind sleep_kind = {"sleep",       false,     attempt_sleep,
                                      prepare_sleep, arm_sleep, NULL};

/* op = rt.sleep_op(seconds): counted from the select */
static int sleep_op(lua_State *L) {
  rtL_check_duration(L, 1);
  lua_settop(L, 1);
  return rtL_operation_new(L, rtL_self(L), &sleep_kind);
}

/* Its next tick: user value OBJECT is an rt.interval, and the argument takes the tick off it.  Until
** then the tick is still to come, for whoever waits for it next. */
static lua_Number left_of(lua_State *L, int op) {
  lua_getiuservalue(L, op, RT_OPERATION_OBJECT);
  lua_getfield(L, -1, "due");
  lua_Number due = luaL_checknumber(L, -1);
  lua_pop(L, 2);
  return due - (lua_Number)rt_clock() / (lua_Number)RT_SECOND;
}

static void prepare_tick(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  b->due = rt_driver_after(&w->driver, rtL_duration_of(L, 1, left_of(L, op)));
}

static int attempt_tick(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  if (left_of(L, op) > 0) {
    if (b) prepare_tick(L, w, op, b); /* somebody else may have taken the one it waited for */
    return -1;
  }
  lua_getiuservalue(L, op, RT_OPERATION_ARGS);
  lua_rawgeti(L, -1, 1);
  lua_getiuservalue(L, op, RT_OPERATION_OBJECT);
  lua_call(L, 1, 1);
  lua_remove(L, -2);
  return 1;
}

static const rt_op_kind tick_kind = {"tick", false, attempt_tick, prepare_tick, arm_sleep, NULL};

/* op = internal.tick_op(interval, take) */
static int tick_op(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  return rtL_operation_new(L, rtL_self(L), &tick_kind);
}

void rtL_open_time(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {
      {"now", now}, {"sleep", do_sleep}, {"sleep_op", sleep_op}, {NULL, NULL}};
  static const luaL_Reg internal[] = {
      {"sleep_until", sleep_until}, {"tick_op", tick_op}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
