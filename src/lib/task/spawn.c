/* lib/task/spawn.c - rt.spawn, rt.spawn_blocking, the same for rt.builder, and the configuration of
** the pools. */
#include "diag/watchdog.h"
#include "lib/lib.h"
#include "pack/pack.h"
#include "run/preempt.h"
#include "run/spawn.h"

/* --- spawning --------------------------------------------------------------------------------- */
/* task = rt.spawn(f, ...) */
static int spawn_job(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  rt_sched *s = rtL_spawn_pool(L, w, RT_POOL_TASKS);
  if (rtL_spawn_submit(L, w, s, rtL_spawn_make(L, w, s, NULL, 1), RT_ANY_SLOT)) return 1;
  return luaL_error(L, "too many tasks are queued that no worker has begun");
}

static int spawn_blocking_resume(lua_State *L, int status, lua_KContext context);

/* Stack: the function and its arguments; or the handle, if there is a job already, which did not
** fit into the queue -> the handle */
static bool submit_blocking(lua_State *L, rt_worker *w, rt_sched *s) {
  const rt_shared_ref *handle = rt_class_test(L, &w->classes, RT_CLASS_JOB, 1);
  rt_job *j = handle ? rt_job_of(handle->shared) : rtL_spawn_make(L, w, s, NULL, 1);
  if (!rtL_spawn_submit(L, w, s, j, RT_ANY_SLOT)) return false;
  /* (Relaxed: a guess.) The watchdog may have to report that no thread is free. */
  if (rt_load_relaxed(&s->queued) > 0) rt_watchdog_wake(&w->status);
  return true;
}

/* Stack: as for submit_blocking. 'again': the task has waited already, so it comes first. This is
** no operation of lib/operation.h: a waiter is called when the queue has space, and not when the
** job is in it, since the worker that takes a job cannot pack the next one. (Relaxed: an old value
** of 'queued' is a guess, which rt_sched_submit or rt_sched_await_space corrects.) */
static int spawn_when_space(lua_State *L, rt_worker *w, bool again) {
  rt_sched *s = rtL_spawn_pool(L, w, RT_POOL_BLOCKING);
  for (;;) {
    bool has_space = rt_load_relaxed(&s->queued) < s->config.queue_max;
    if (has_space && submit_blocking(L, w, s)) return 1;
    rtL_wait_prepare(L, w, w->current.task);
    rt_waiter *waiter = rt_waiter_new(&w->driver);
    if (waiter == NULL) return rtL_error_no_memory(L);
    if (!rt_sched_await_space(s, waiter, again)) {
      rt_waiter_park(waiter, w->current.task, RT_OP_SPAWN);
      return rtL_wait(L, w, spawn_blocking_resume, (lua_KContext)waiter);
    }
    rt_waiter_free(waiter);
  }
}

static int spawn_blocking_resume(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rt_self(L);
  rt_waiter *waiter = (rt_waiter *)context;
  bool called = rt_waiter_withdraw(waiter);
  rt_waiter_free(waiter);
  if (called && w->pools[RT_POOL_BLOCKING]) rt_sched_notify_space(w->pools[RT_POOL_BLOCKING]);
  rtL_wait_over(L, w);
  return spawn_when_space(L, w, true);
}

/* task = rt.spawn_blocking(f, ...) */
static int spawn_blocking(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  rtL_cancel_checkpoint(L, w);
  return spawn_when_space(L, w, false);
}

/* --- tasks of rt.builder ---------------------------------------------------------------------- */
static const char *const priorities[] = {"normal", "high", "idle", NULL}; /* as in rt_priority */

/* Makes a job, which is in no queue yet, with its name and its priority. Stack: name or nil,
** priority or nil, any value, the function and its arguments -> the first three, the handle */
static rt_job *make_with(lua_State *L, rt_worker *w, rt_sched *s) {
  enum { NAME = 1, PRIORITY, FUNCTION = 4 };
  const char *name = luaL_optstring(L, NAME, NULL);
  rt_priority priority = (rt_priority)luaL_checkoption(L, PRIORITY, "normal", priorities);
  luaL_checktype(L, FUNCTION, LUA_TFUNCTION);
  rt_job *j = rtL_spawn_make(L, w, s, NULL, FUNCTION);
  j->priority = priority;
  if (name && rt_job_set_name(j, name) != 0) rtL_error_no_memory(L);
  return j;
}

/* The slot of the nth worker. */
static int check_worker(lua_State *L, rt_worker *w, const rt_sched *s, lua_Integer n) {
  if (n >= 1 && n <= s->config.slots) return (int)n - 1;
  return rtL_call_site_error(L, &w->call_sites, "there is no worker %I: rt.workers() is %d",
                             (LUAI_UACINT)n, s->config.slots);
}

/* task = internal.spawn_with(name, priority, place, f, ...). place: the number of a worker;
** "spread": the worker with the fewest tasks; nil */
static int spawn_with(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_sched *s = rtL_spawn_pool(L, w, RT_POOL_TASKS);
  int slot = RT_ANY_SLOT;
  if (lua_type(L, 3) == LUA_TSTRING)
    slot = RT_LEAST_LOADED;
  else if (!lua_isnoneornil(L, 3))
    slot = check_worker(L, w, s, luaL_checkinteger(L, 3));
  if (rtL_spawn_submit(L, w, s, make_with(L, w, s), slot)) return 1;
  return rtL_call_site_error(L, &w->call_sites,
                             "too many tasks are queued that no worker has begun");
}

/* task = internal.spawn_local_with(priority, f, ...) */
static int spawn_local_with(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_priority priority = (rt_priority)luaL_checkoption(L, 1, "normal", priorities);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (rt_unlikely(w->stop.begun)) rtL_cancel_at_end(L, w);
  rtL_worker_spawn(L, w, lua_gettop(L) - 2, 1, priority);
  return 1;
}

/* task = internal.spawn_blocking_with(name, priority, nil, f, ...) */
static int spawn_blocking_with(lua_State *L) {
  rt_worker *w = rt_self(L);
  rtL_cancel_checkpoint(L, w);
  make_with(L, w, rtL_spawn_pool(L, w, RT_POOL_BLOCKING));
  lua_replace(L, 1);
  lua_settop(L, 1);
  return spawn_when_space(L, w, false);
}

/* --- configuration ---------------------------------------------------------------------------- */
static rt_worker_config *check_config(lua_State *L, rt_worker *w) {
  if (w->stop.closed) rtL_error_closed(L);
  if (w->worker_config == NULL && (w->worker_config = rt_worker_config_new()) == NULL)
    rtL_error_no_memory(L);
  return w->worker_config;
}

static rt_worker_config *check_open_config(lua_State *L, rt_worker *w, const char *what) {
  if (w->slot) luaL_error(L, "%s is for the main state", what);
  if (w->pools[RT_POOL_TASKS])
    luaL_error(L, "%s must come before the first spawn: the pool has been started", what);
  return check_config(L, w);
}

/* The option, a number of workers; 0: it is not given. */
static int read_slots(lua_State *L, const char *name) {
  int slots = 0;
  if (rtL_option(L, 1, name) != LUA_TNIL) {
    int valid;
    lua_Integer n = lua_tointegerx(L, -1, &valid);
    if (lua_type(L, -1) != LUA_TNUMBER || !valid || n < 1 || n > RT_SLOTS_MAX)
      luaL_error(L, "option '%s': an integer from 1 to %d expected", name, RT_SLOTS_MAX);
    slots = (int)n;
  }
  lua_pop(L, 1);
  return slots;
}

/* The option, in nanoseconds in *stall, 0 for false. Returns false if it is not given. */
static bool read_stall(lua_State *L, uint64_t *stall) {
  int type = rtL_option(L, 1, "stall");
  if (type != LUA_TNIL && type != LUA_TNUMBER && !(type == LUA_TBOOLEAN && !lua_toboolean(L, -1)))
    luaL_error(L, "option 'stall': seconds, or false, expected, got %s", luaL_typename(L, -1));
  if (lua_tonumber(L, -1) < 0)
    luaL_error(L, "option 'stall': seconds, or false, expected, got %s", lua_tostring(L, -1));
  if (type != LUA_TNIL) *stall = rtL_duration_of(L, 1, lua_tonumber(L, -1));
  lua_pop(L, 1);
  return type != LUA_TNIL;
}

/* The option, in nanoseconds in *unjoined; for false, never. Returns false if it is not given. */
static bool read_unjoined(lua_State *L, uint64_t *unjoined) {
  int type = rtL_option(L, 1, "unjoined");
  bool never = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
  if (type != LUA_TNIL && type != LUA_TNUMBER && !never)
    luaL_error(L, "option 'unjoined': seconds, or false, expected, got %s", luaL_typename(L, -1));
  if (type == LUA_TNUMBER && !(lua_tonumber(L, -1) >= 0))
    luaL_error(L, "option 'unjoined': seconds, or false, expected, got %s", lua_tostring(L, -1));
  if (type == LUA_TNUMBER) *unjoined = rtL_duration_of(L, 1, lua_tonumber(L, -1));
  if (never || *unjoined >= RT_NEVER) *unjoined = RT_UNJOINED_NEVER;
  lua_pop(L, 1);
  return type != LUA_TNIL;
}

/* The option; 0: it is not given. */
static uint64_t read_seed(lua_State *L) {
  int valid = 1, type = rtL_option(L, 1, "seed");
  lua_Integer seed = type == LUA_TNIL ? 0 : lua_tointegerx(L, -1, &valid);
  if (type != LUA_TNIL && (type != LUA_TNUMBER || !valid || seed == 0))
    luaL_error(L, "option 'seed': an integer other than 0 expected");
  lua_pop(L, 1);
  return (uint64_t)seed;
}

static bool read_preempt(lua_State *L) {
  int type = rtL_option(L, 1, "preempt");
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "option 'preempt': a boolean expected, got %s", luaL_typename(L, -1));
  bool preempt = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return preempt;
}

/* rt.configure{workers = n, blocking = n, stall = seconds or false, seed = n, preempt = bool,
** unjoined = seconds or false} */
static int configure(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  rtL_check_options(L, 1, "configure", "workers, blocking, stall, seed, preempt, unjoined");
  int shared = read_slots(L, "workers"), blocking = read_slots(L, "blocking");
  uint64_t stall = 0, unjoined = 0;
  bool has_stall = read_stall(L, &stall), preempt = read_preempt(L);
  bool has_unjoined = read_unjoined(L, &unjoined);
  uint64_t seed = read_seed(L);
  rt_worker_config *config = check_open_config(L, w, "rt.configure");
  if (has_stall) {
    config->stall = stall;
    rt_store(&w->status.stall, stall);
    if (stall > 0) rt_watchdog_add(&w->status);
  }
  if (has_unjoined) config->unjoined = unjoined;
  if (seed) rt_worker_seed(w, config->seed = seed);
  if (preempt) {
    config->preempt_all = true;
    rt_preempt_switch_all(w);
  }
  if (shared > 0) config->slots[RT_POOL_TASKS] = shared;
  if (blocking > 0) config->slots[RT_POOL_BLOCKING] = blocking;
  return 0;
}

/* rt.preload(name or function) */
static int preload(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_argexpected(L, lua_type(L, 1) == LUA_TSTRING || lua_isfunction(L, 1), 1,
                   "string or function");
  rt_worker_config *config = check_open_config(L, w, "rt.preload");
  lua_settop(L, 1);
  rt_message *message = rtL_pack(L, w, 1, RT_PACK_PRELOAD);
  if (rt_worker_config_add(config, message) != 0) {
    rt_message_drop(message);
    return rtL_error_no_memory(L);
  }
  return 0;
}

/* n = rt.workers(): the number of workers of the pool */
static int workers(lua_State *L) {
  rt_worker *w = rt_self(L);
  lua_pushinteger(L, check_config(L, w)->slots[RT_POOL_TASKS]);
  return 1;
}

void rtL_open_spawn(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"spawn", spawn_job}, {"spawn_blocking", spawn_blocking},
                                       {"workers", workers}, {"configure", configure},
                                       {"preload", preload}, {NULL, NULL}};
  static const luaL_Reg internal[] = {{"spawn_with", spawn_with},
                                      {"spawn_local_with", spawn_local_with},
                                      {"spawn_blocking_with", spawn_blocking_with},
                                      {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
