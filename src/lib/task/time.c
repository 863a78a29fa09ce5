/* lib/task/time.c - rt.now, rt.sleep, rt.sleep_op, and the interval ticks of rt.interval. */
#include "lib/operation.h"

/* t = rt.now() */
static int current_time(lua_State *L) {
  lua_pushnumber(L, (lua_Number)rt_clock() / (lua_Number)RT_SECOND);
  return 1;
}

/* x = internal.chance(): at random, from 0 to 1 (not included), from the seed of the worker */
static int random_number(lua_State *L) {
  lua_pushnumber(L, (lua_Number)(rt_worker_chance(rt_self(L)) & 0xffffffff) * 0x1p-32);
  return 1;
}

/* --- sleeping --------------------------------------------------------------------------------- */
static int sleep_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L;
  bool over = b->due ? b->due <= rt_driver_tick(&w->driver) : b->number == 0;
  return over ? 0 : -1;
}

static void sleep_prepare(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L;
  b->due = rt_driver_after(&w->driver, b->number);
}

static bool sleep_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L;
  rt_operation_sleep(b, &w->driver);
  return true;
}

static int slept(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rtL_wait_over(L, rt_self(L));
  return 0;
}

static const rt_op_kind sleep_kind = {.name = "sleep",
                                      .attempt = sleep_attempt,
                                      .prepare = sleep_prepare,
                                      .arm = sleep_arm,
                                      .resume = slept};

/* With 0 it yields to other tasks. That is no operation of lib/operation.h: the task is ready, and
** waits for nothing that could be attempted. In a select, sleep_op(0) is done at once. */
static int sleep_for(lua_State *L, rt_worker *w, uint64_t ns) {
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (ns > 0) return rtL_operation_wait(L, w, &sleep_kind, NULL, ns);
  rtL_wait_prepare(L, w, t);
  rt_worker_note_yield(w);
  rt_ready_add(&w->driver.ready, t);
  return rtL_wait(L, w, slept, 0);
}

/* rt.sleep(seconds) */
static int do_sleep(lua_State *L) { return sleep_for(L, rt_self(L), rtL_check_duration(L, 1)); }

/* internal.sleep_until(t): a time of rt.now() */
static int sleep_until(lua_State *L) {
  lua_Number left = luaL_checknumber(L, 1) - (lua_Number)rt_clock() / (lua_Number)RT_SECOND;
  return sleep_for(L, rt_self(L), rtL_duration_of(L, 1, left));
}

/* op = rt.sleep_op(seconds): the time begins with the call of rt.select */
static int sleep_op(lua_State *L) {
  uint64_t ns = rtL_check_duration(L, 1);
  lua_settop(L, 1);
  return rtL_operation_new(L, rt_self(L), &sleep_kind, ns);
}

/* --- interval ticks --------------------------------------------------------------------------- */
/* An interval tick is an event of an rt.interval; it has nothing to do with the ticks of the timer
** wheel. The object of the operation is an rt.interval, a table; its argument is a function that
** takes the next interval tick. A task that waits for an interval tick has not taken it: if it is
** cancelled, another task may. */
/* Seconds until the next interval tick. */
static lua_Number seconds_left(lua_State *L, int op) {
  lua_getiuservalue(L, op, RT_OPERATION_OBJECT);
  lua_getfield(L, -1, "due");
  lua_Number due = luaL_checknumber(L, -1);
  lua_pop(L, 2);
  return due - (lua_Number)rt_clock() / (lua_Number)RT_SECOND;
}

static void tick_prepare(lua_State *L, rt_worker *w, rt_branch *b) {
  b->due = rt_driver_after(&w->driver, rtL_duration_of(L, 1, seconds_left(L, b->op)));
}

static int tick_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  if (seconds_left(L, b->op) > 0) {
    if (b->due) tick_prepare(L, w, b); /* another task may have taken the interval tick */
    return -1;
  }
  lua_getiuservalue(L, b->op, RT_OPERATION_ARGS);
  lua_rawgeti(L, -1, 1);
  lua_getiuservalue(L, b->op, RT_OPERATION_OBJECT);
  lua_call(L, 1, 1);
  lua_remove(L, -2);
  return 1;
}

static bool tick_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L;
  rt_operation_sleep(b, &w->driver);
  return true;
}

static const rt_op_kind tick_kind = {
    .name = "tick", .attempt = tick_attempt, .prepare = tick_prepare, .arm = tick_arm};

/* op = internal.tick_op(interval, take): take(interval) returns the result of the operation */
static int tick_op(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  return rtL_operation_new(L, rt_self(L), &tick_kind, 0);
}

void rtL_open_time(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {
      {"now", current_time}, {"sleep", do_sleep}, {"sleep_op", sleep_op}, {NULL, NULL}};
  static const luaL_Reg internal[] = {
      {"sleep_until", sleep_until}, {"tick_op", tick_op}, {"chance", random_number}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
