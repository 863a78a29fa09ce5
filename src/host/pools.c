#include "host/pools.h"

#include "diag/watchdog.h"
#include "host/core_module.h"
#include "host/own_files.h"
#include "host/worker_main.h"
#include "pack/pack.h"
#include "run/deadlock.h"
#include "run/end_wait.h"
#include "run/exit.h"
#include "run/idle_gc.h"
#include "run/preempt.h"
#include "run/shutdown.h"
#include "run/unhandled.h"
#include "run/unwind.h"

/* Bytes of stack of a pool worker's thread. Lua allows 200 nested calls of C functions. */
#define STACK_SIZE ((size_t)(RT_DEBUG ? 8 : 2) << 20)

/* --- posts ------------------------------------------------------------------------------------ */
static void on_worker_ended(rt_post *p, void *driver) {
  (void)p;
  rt_end_wait_notify(rt_worker_of(driver));
}

static void on_exit_request(rt_post *p, void *driver) {
  rt_exit_request(rt_worker_of(driver), rt_containerof(p, rt_runtime, exit_post)->exit_code);
}

/* --- opening ---------------------------------------------------------------------------------- */
/* Pushes the field of 'package', or what it was when rt was loaded, if the program has removed it
** since: a pool worker must find rt, whatever modules this state may load. */
static void push_package_path(lua_State *L, rt_worker *w, const char *field, const char *kept) {
  RTL_ENTER(L, w, +1);
  if (rt_worker_push_kept(L, w, rt_kept_package) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  lua_pushstring(L, field);
  if (lua_rawget(L, -2) != LUA_TSTRING) {
    lua_pop(L, 1);
    rt_worker_push_kept(L, w, kept);
  }
  lua_remove(L, -2);
}

/* The global 'arg' (without a metamethod, which might raise because there is none), or nil. */
static void push_global_arg(lua_State *L) {
  RTL_STACK_CHECK(L, +1);
  lua_pushglobaltable(L);
  if (!lua_istable(L, -1)) return;
  lua_pushliteral(L, "arg");
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

/* Keeps what every pool worker gets: package.path and package.cpath of this state, the arguments of
** the script, and where rt-lua has rt's files. */
static void keep_paths(lua_State *L, rt_worker *w) {
  int top = lua_gettop(L);
  push_package_path(L, w, "path", rt_kept_path);
  push_package_path(L, w, "cpath", rt_kept_cpath);
  push_global_arg(L);
  rt_worker_push_kept(L, w, rt_own_files_key);
  w->worker_config->hooks = w->hooks;
  w->worker_config->paths = rtL_pack(L, w, top + 1, RT_PACK_VALUES);
  lua_settop(L, top);
}

static void drop_worker_config(void *config) { rt_worker_config_drop(config); }

static rt_sched *open_pool(rt_worker *w, rt_pool which) {
  rt_sched_config config = {
      .slots = w->worker_config->slots[which],
      .exclusive = which == RT_POOL_BLOCKING,
      .queue_max = which == RT_POOL_BLOCKING ? RT_SIZE(1024, 4) : 0,
      .stack = STACK_SIZE,
      .run_worker = rt_worker_main,
      .on_stop = rt_unwind_member_on_post,
      .on_collect = rt_idle_gc_on_collect,
      .on_ended = on_worker_ended,
      .runtime = w->runtime,
      .worker_config = w->worker_config,
      .free_worker_config = drop_worker_config,
  };
  rt_sched *s = rt_sched_new(&config);
  if (s == NULL) return NULL;
  rt_worker_config_hold(w->worker_config);
  rt_runtime_hold(w->runtime);
  return s;
}

static rt_runtime *open_runtime(rt_worker *w) {
  rt_runtime *r = rt_runtime_new(&w->driver);
  if (r == NULL) return NULL;
  r->on_unjoined_failure = rt_unhandled_on_job;
  r->failure_post.deliver = rt_idle_gc_on_failure;
  r->exit_post.deliver = on_exit_request;
  r->stillness_post.deliver = rt_deadlock_on_report;
  r->shutdown_post.deliver = rt_shutdown_on_post;
  w->driver.active = &r->active;
  return r;
}

void rtL_pools_open(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (w->worker_config == NULL && (w->worker_config = rt_worker_config_new()) == NULL)
    rtL_error_no_memory(L);
  if (w->worker_config->paths == NULL) keep_paths(L, w);
  w->worker_config->in_rt_lua = w->in_rt_lua;
  if (w->runtime == NULL && (w->runtime = open_runtime(w)) == NULL) rtL_error_no_memory(L);
  rt_sched *tasks = open_pool(w, RT_POOL_TASKS);
  rt_sched *blocking = tasks ? open_pool(w, RT_POOL_BLOCKING) : NULL;
  if (blocking == NULL) {
    if (tasks) rt_sched_drop(tasks);
    rtL_error_no_memory(L);
  }
  rt_preempt_need(w); /* a pool task may ask for the end while the main chunk computes */
  rt_sched_pair(tasks, blocking);
  w->pools[RT_POOL_TASKS] = tasks;
  w->pools[RT_POOL_BLOCKING] = blocking;
  rt_worker_registry_set_pools(&w->status, w->runtime, w->pools);
  rt_watchdog_add(&w->status); /* as long as the pools exist */
}
