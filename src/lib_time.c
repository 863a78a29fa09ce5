/* lib_time.c - rt.sleep, rt.now, rt.timeout, rt.shield, rt.critical. */
#include "preempt.h"
#include "select.h"

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
    w->yielded = true;
    rt_ready_add(&w->driver.ready, t);
  } else {
    rt_task_sleep(t, &w->driver.wheel, rt_driver_after(&w->driver, ns));
  }
  return rtL_wait(L, w, slept, 0);
}

/* rt.sleep(seconds) */
static int do_sleep(lua_State *L) { return sleep_for(L, rtL_self(L), rtL_check_duration(L, 1)); }

/* rt.sleep_until(t): as rt.now() counts */
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
  if (b->due != RT_NEVER) rt_select_sleep(b, &w->driver);
  return true;
}

static const rt_op_kind sleep_kind = {"sleep",       false,     attempt_sleep,
                                      prepare_sleep, arm_sleep, NULL};

/* op = rt.sleep_op(seconds): counted from the select */
static int sleep_op(lua_State *L) {
  rtL_check_duration(L, 1);
  lua_settop(L, 1);
  return rtL_select_operation(L, rtL_self(L), &sleep_kind);
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

/* op = core.tick_op(interval, take) */
static int tick_op(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  return rtL_select_operation(L, rtL_self(L), &tick_kind);
}

/* --- timeouts, shields, critical sections -------------------------------------------------------- */
typedef enum kind { TIMEOUT, SHIELD, CRITICAL } kind;

/* Stack: the results, or the error on top.  What goes on after the call knows its frame by
** the serial number alone. */
static int framed(lua_State *L, int status, lua_KContext context) {
  rt_worker *w = rtL_self(L);
  uint64_t serial = (uint64_t)context >> 2;
  kind k = context & 3;
  rt_frame_close(w->running, serial);
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L);
  if (k != TIMEOUT || !rtL_cancel_is_of(L, w, -1, serial)) return lua_error(L);
  lua_pushnil(L);
  lua_pushliteral(L, "timeout");
  return 2;
}

/* In the main chunk, in a coroutine that was resumed by somebody who does not say so: the
** deadline is to find it all the same. */
static int run_unknown(lua_State *L, rt_worker *w, lua_KContext context) {
  lua_State *outer = w->cur;
  w->cur = L;
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  w->cur = outer;
  return framed(L, status, context);
}

/* Stack: the function and its arguments. */
static int run_framed(lua_State *L, rt_task *t, uint64_t due, kind k) {
  rt_worker *w = rtL_self(L);
  rt_frame *f = rt_frame_open(t, &w->driver, due, k == SHIELD);
  if (f == NULL) return luaL_error(L, "not enough memory");
  f->critical = k == CRITICAL;
  f->serial = ++w->last_frame;
  f->opener = L;
  lua_KContext context = (lua_KContext)(f->serial << 2 | k);
  rt_preempt_need(w);
  if (rt_unlikely(t->is_main && L != w->cur)) return run_unknown(L, w, context);
  return framed(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, context, framed), context);
}

static uint64_t due_after(rt_worker *w, uint64_t ns) {
  return ns == RT_FOREVER ? RT_NEVER : ns == 0 ? 0 : rt_driver_after(&w->driver, ns);
}

/* ... = rt.timeout(seconds, f, ...) */
static int timeout(lua_State *L) {
  rt_worker *w = rtL_self(L);
  uint64_t ns = rtL_check_duration(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_remove(L, 1);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  return run_framed(L, t, due_after(w, ns), TIMEOUT);
}

/* ... = rt.shield([seconds,] f, ...): no checkpoint, since it is for one that is cancelled */
static int shield(lua_State *L) {
  rt_worker *w = rtL_self(L);
  uint64_t ns = RT_FOREVER;
  if (lua_type(L, 1) == LUA_TNUMBER) {
    ns = rtL_check_duration(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_remove(L, 1);
  }
  luaL_checktype(L, 1, LUA_TFUNCTION);
  return run_framed(L, rtL_running(L, w), due_after(w, ns), SHIELD);
}

/* ... = rt.critical(f, ...) */
static int critical(lua_State *L) {
  rt_worker *w = rtL_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  return run_framed(L, rtL_running(L, w), RT_NEVER, CRITICAL);
}

/* n = core.switches(): tasks of this worker that were switched where they did not wait */
static int switches(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rtL_self(L)->preempt.switches);
  return 1;
}

void rtL_open_time(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"now", now},
                                       {"sleep", do_sleep},
                                       {"sleep_until", sleep_until},
                                       {"sleep_op", sleep_op},
                                       {"tick_op", tick_op},
                                       {"timeout", timeout},
                                       {"shield", shield},
                                       {"critical", critical},
                                       {"switches", switches},
                                       {NULL, NULL}};
  rtL_set_functions(L, w, functions);
}
