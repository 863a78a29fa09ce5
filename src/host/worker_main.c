#include "host/worker_main.h"

#include "host/core_module.h"
#include "run/deadlock.h"
#include "run/drain.h"
#include "run/exit.h"
#include "diag/watchdog.h"
#include "pack/pack.h"
#include "run/preempt.h"
#include "host/require.h"
#include "run/shutdown.h"
#include "worker/lua_state.h"
#include "run/loop.h"
#include "run/unwind.h"

#include <stdio.h>

#define STACK ((size_t)(RT_DEBUG ? 8 : 2) << 20)

/* --- a worker's state ---------------------------------------------------------------------------- */
/* Stack: package.path, package.cpath, arg -> nothing */
static void set_places(lua_State *L) {
  lua_setglobal(L, "arg");
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_insert(L, -3);
  lua_setfield(L, -3, "cpath");
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* Stack: -> the module; and everything is there that a program expects. */
static rt_worker *open_member(lua_State *L, rt_slot *slot) {
  rt_worker_config *r = slot->sched->config.worker_config;
  luaL_openlibs(L);
  rt_worker *w = rtL_core_module_new(L, r->hooks);
  w->slot = slot;
  rtL_core_module_install(L, w);
  w->worker_config = rt_worker_config_hold(r);
  w->preempt.switches_all = r->preempt_all;
  if (r->seed) rt_worker_seed(w, r->seed);
  w->hosted = r->in_rt_lua;
  w->pools[slot->sched->config.exclusive ? RT_POOL_BLOCKING : RT_POOL_TASKS] =
      rt_sched_hold(slot->sched);
  w->pools[slot->sched->config.exclusive ? RT_POOL_TASKS : RT_POOL_BLOCKING] =
      rt_sched_peer(slot->sched);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "rt.core");
  lua_pop(L, 1);
  if (r->in_rt_lua) rtL_require_open(L);
  rtL_unpack(L, w, r->paths);
  set_places(L);
  rt_core_module_enter(w);
  return w;
}

static int protected_open(lua_State *L) {
  open_member(L, lua_touserdata(L, 1));
  return 0;
}

static void complain(const char *why) {
  fprintf(stderr, "rt: a worker could not be started: %s\n", why ? why : "?");
  fflush(stderr);
}

/* --- preloads: a task, since they may wait ------------------------------------------------------- */
static int preload_next(lua_State *L, int status, lua_KContext i);

static int finish_preloads(lua_State *L, rt_worker *w) {
  (void)L;
  w->preload.running = false;
  return 0;
}

static int preload_next(lua_State *L, int status, lua_KContext i) {
  rt_worker *w = rtL_worker_find(L);
  rt_worker_config *r = w->worker_config;
  (void)status;
  for (; i < r->count; i++) {
    lua_settop(L, 0);
    rtL_unpack(L, w, r->preloads[i]);
    if (lua_type(L, 1) == LUA_TSTRING) {
      lua_getglobal(L, "require");
      lua_insert(L, 1);
    }
    lua_callk(L, lua_gettop(L) - 1, 0, i + 1, preload_next);
  }
  return finish_preloads(L, w);
}

static int preloaded(lua_State *L, int status, lua_KContext ctx) {
  rt_worker *w = rtL_worker_find(L);
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD) return 0;
  const char *why = luaL_tolstring(L, -1, NULL);
  lua_pushfstring(L, "rt.preload failed in this worker: %s", why);
  w->preload.error = lua_tostring(L, -1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &w->preload.error); /* it stays */
  w->preload.running = false;
  return 0;
}

static int start_preloads(lua_State *L) { return preload_next(L, LUA_OK, 0); }

static int preload(lua_State *L) {
  lua_pushcfunction(L, start_preloads);
  return preloaded(L, lua_pcallk(L, 0, 0, 0, 0, preloaded), 0);
}

static int protected_prepare(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  lua_pushcfunction(L, preload);
  rtL_worker_spawn(L, w, 0, 0);
  return 0;
}

static bool prepare(rt_worker *w) {
  if (w->worker_config->count == 0) return true;
  w->preload.running = true;
  lua_pushcfunction(w->pcall_L, protected_prepare);
  lua_pushlightuserdata(w->pcall_L, w);
  if (lua_pcall(w->pcall_L, 1, 0, 0) == LUA_OK) return true;
  complain(lua_tostring(w->pcall_L, -1));
  lua_pop(w->pcall_L, 1);
  return false;
}

/* --- its thread ---------------------------------------------------------------------------------- */
static void serve(lua_State *L, rt_slot *slot) {
  rt_worker *w = rtL_worker_find(L);
  w->driver.counts = &slot->counts;
  if (slot->in_virtual_time) w->driver.vthread = &slot->vthread;
  w->driver.active = &slot->sched->config.runtime->active;
  if (!prepare(w)) return;
  rt_slot_attach(slot, &w->driver);
  rt_loop_serve(w);
  rt_slot_detach(slot);
  rt_unwind_member_finish(w);
}

static void member(rt_slot *slot) {
  lua_State *L = rt_lua_state_new();
  if (L) {
    lua_pushcfunction(L, protected_open);
    lua_pushlightuserdata(L, slot);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
      serve(L, slot);
    else
      complain(lua_tostring(L, -1));
    rt_lua_state_close(L);
  } else {
    complain("not enough memory");
  }
  rt_slot_end(slot);
}

/* --- what the threads tell each other -------------------------------------------------------------- */
static void on_stop(rt_post *p, void *driver) {
  (void)p;
  rt_worker_of(driver)->stop.requested = true;
}

static void on_left(rt_post *p, void *driver) {
  (void)p;
  rt_drain_notify(rt_worker_of(driver));
}

static void on_orphan(rt_post *p, void *driver) {
  rt_failure_record *r = rt_containerof(p, rt_failure_record, post);
  rt_list_append(&rt_worker_of(driver)->unhandled.jobs, &r->link);
}

static void on_failure(rt_post *p, void *driver) {
  rt_runtime_failure_received(rt_containerof(p, rt_runtime, failure_post));
  rt_worker_of(driver)->unhandled.gc_cycles = 2; /* two cycles: its handle may survive the first */
}

static void on_exit_asked(rt_post *p, void *driver) {
  rt_exit_request(rt_worker_of(driver), rt_containerof(p, rt_runtime, exit_post)->exit_code);
}

/* --- opening ----------------------------------------------------------------------------------------- */
/* Where this state finds its modules, and what its script was given. */
static void note_places(lua_State *L, rt_worker *w) {
  int top = lua_gettop(L);
  if (lua_getglobal(L, LUA_LOADLIBNAME) == LUA_TTABLE) {
    lua_getfield(L, top + 1, "path");
    lua_getfield(L, top + 1, "cpath");
  }
  lua_settop(L, top + 3);
  lua_remove(L, top + 1);
  lua_getglobal(L, "arg");
  w->worker_config->hooks = w->hooks;
  w->worker_config->paths = rtL_pack(L, w, top + 1, RT_PACK_VALUES);
  lua_settop(L, top);
}

static void drop_recipe(void *r) { rt_worker_config_drop(r); }

static rt_sched *open_one(rt_worker *w, rt_pool which) {
  rt_sched_config config = {
      .slots = w->worker_config->slots[which],
      .exclusive = which == RT_POOL_BLOCKING,
      .queue_max = which == RT_POOL_BLOCKING ? RT_SIZE(1024, 4) : 0,
      .stack = STACK,
      .run_worker = member,
      .on_stop = on_stop,
      .on_ended = on_left,
      .runtime = w->runtime,
      .worker_config = w->worker_config,
      .free_worker_config = drop_recipe,
  };
  rt_sched *s = rt_sched_new(&config);
  if (s == NULL) return NULL;
  rt_worker_config_hold(w->worker_config);
  rt_runtime_hold(w->runtime);
  return s;
}

static rt_runtime *open_office(rt_worker *w) {
  rt_runtime *o = rt_runtime_new(&w->driver);
  if (o == NULL) return NULL;
  o->on_unjoined_failure = on_orphan;
  o->failure_post.deliver = on_failure;
  o->exit_post.deliver = on_exit_asked;
  o->stillness_post.deliver = rt_deadlock_on_report;
  o->shutdown_post.deliver = rt_shutdown_on_post;
  w->driver.active = &o->active;
  return o;
}

void rtL_worker_main_open(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (w->worker_config == NULL && (w->worker_config = rt_worker_config_new()) == NULL)
    luaL_error(L, "not enough memory");
  if (w->worker_config->paths == NULL) note_places(L, w);
  w->worker_config->in_rt_lua = w->hosted;
  if (w->runtime == NULL && (w->runtime = open_office(w)) == NULL)
    luaL_error(L, "not enough memory");
  rt_sched *shared = open_one(w, RT_POOL_TASKS);
  rt_sched *blocking = shared ? open_one(w, RT_POOL_BLOCKING) : NULL;
  if (blocking == NULL) {
    if (shared) rt_sched_drop(shared);
    luaL_error(L, "not enough memory");
  }
  rt_preempt_need(w); /* the others may have to tell the main chunk something while it computes */
  rt_sched_pair(shared, blocking);
  w->pools[RT_POOL_TASKS] = shared;
  w->pools[RT_POOL_BLOCKING] = blocking;
  rt_worker_registry_set_pools(&w->status, w->runtime, w->pools);
  rt_watchdog_add(&w->status); /* as long as any of the others */
}
