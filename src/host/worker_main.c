#include "host/worker_main.h"

#include "host/core_module.h"
#include "host/own_files.h"
#include "host/preload.h"
#include "host/require.h"
#include "pack/unpack.h"
#include "run/loop.h"
#include "run/preempt.h"
#include "run/unwind.h"
#include "worker/lua_state.h"

#include <stdio.h>

/* --- its state -------------------------------------------------------------------------------- */
/* Stack: package.path, package.cpath, arg, folder of rt's files or nil -> nothing */
static void set_paths(lua_State *L, rt_worker *w) {
  rtL_own_files_open(L, w);
  lua_setglobal(L, "arg");
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_insert(L, -3);
  lua_setfield(L, -3, "cpath");
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* Opens Lua's libraries and rt in the new state, as a program expects them. Pushes the module.
**
** The collector stays in incremental mode. In generational mode, which the main state of rt-lua has
** (as lua.c), each collection is one step, and looks at every coroutine: with 10,000 tasks that
** wait, a step took 20 to 26 ms instead of 5, in which the worker does not poll. Servers took 5 to
** 15 % less CPU time in that mode if their states held much, else as much. */
static rt_worker *open_worker_state(lua_State *L, rt_slot *slot) {
  rt_worker_config *c = slot->sched->config.worker_config;
  luaL_openlibs(L);
  rt_worker *w = rtL_core_module_new(L, c->hooks);
  w->slot = slot;
  rtL_core_module_install(L, w);
  w->worker_config = rt_worker_config_hold(c);
  if (c->preempt_all) rt_preempt_switch_all(w);
  if (c->seed) rt_worker_seed(w, c->seed);
  w->in_rt_lua = c->in_rt_lua;
  w->pools[slot->sched->config.exclusive ? RT_POOL_BLOCKING : RT_POOL_TASKS] =
      rt_sched_hold(slot->sched);
  w->pools[slot->sched->config.exclusive ? RT_POOL_TASKS : RT_POOL_BLOCKING] =
      rt_sched_peer(slot->sched);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "rt.core");
  lua_pop(L, 1);
  if (c->in_rt_lua)
    rtL_require_open(L);
  else
    rtL_require_add_searcher(L);
  rtL_unpack(L, w, c->paths);
  set_paths(L, w);
  rt_core_module_enter(w);
  return w;
}

static int protected_open(lua_State *L) {
  open_worker_state(L, lua_touserdata(L, 1));
  return 0;
}

/* The last call of this thread. */
static void fail_slot(rt_slot *slot, const char *why) {
  if (!rt_slot_fail(slot, why)) return;
  fprintf(stderr, "rt: a worker could not be started: %s\n", why);
  fflush(stderr);
}

/* --- its thread ------------------------------------------------------------------------------- */
/* False: there is no memory for the task that loads the modules of rt.preload. */
static bool serve(lua_State *L, rt_slot *slot) {
  rt_worker *w = rt_worker_find(L);
  w->driver.counters = &slot->counts;
  if (slot->in_virtual_time) w->driver.vthread = &slot->vthread;
  w->driver.active = &slot->sched->config.runtime->active;
  if (!rt_preload_start(w)) return false;
  rt_slot_attach(slot, &w->driver);
  rt_loop_serve(w);
  rt_slot_detach(slot);
  rt_unwind_member_finish(w);
  return true;
}

/* (The text of the error belongs to the state.) */
void rt_worker_main(rt_slot *slot) {
  static const char no_memory[] = "not enough memory";
  char why[160] = "";
  lua_State *L = rt_lua_state_new();
  if (L) {
    lua_pushcfunction(L, protected_open);
    lua_pushlightuserdata(L, slot);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
      const char *text = rt_error_text(L, -1);
      snprintf(why, sizeof why, "%s", text ? text : "?");
    } else if (!serve(L, slot)) {
      strcpy(why, no_memory);
    }
    rt_lua_state_close(L);
  } else {
    strcpy(why, no_memory);
  }
  if (why[0])
    fail_slot(slot, why);
  else
    rt_slot_end(slot);
}
