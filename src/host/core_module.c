#include "host/core_module.h"

#include "base/safe_write.h"
#include "diag/watchdog.h"
#include "lib/lib.h"
#include "pack/state.h"
#include "run/cancel.h"
#include "run/idle_gc.h"
#include "run/outcome.h"
#include "run/preempt.h"
#include "run/signals.h"
#include "run/stop.h"

#include <stdio.h>
#include <unistd.h>

/* --- the end ---------------------------------------------------------------------------------- */
/* A stock interpreter computes its exit code before it closes the state. If closing the state
** changes the code, the process ends with it in a function of atexit. */
static bool has_code_at_exit;
static int code_at_exit;

static void at_exit(void) {
  if (!has_code_at_exit) return;
  rt_safe_write_flush_all();
  _Exit(code_at_exit);
}

/* Sets the exit code if it differs from the interpreter's: os.exit was called by a task during
** lua_close, an error was not handled, or the only error was that of rt.shutdown. */
static void set_exit_code(const rt_worker *w) {
  bool success = w->shutdown.ended_main && !w->exit.failed && !w->signals.interrupted;
  if (!w->exit.requested && !success && (!w->exit.failed || w->exit.has_code)) return;
  code_at_exit = w->exit.requested ? w->exit.code : success ? EXIT_SUCCESS : EXIT_FAILURE;
  has_code_at_exit = true;
}

/* __gc of the worker: the state is being closed. */
static int on_close(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  if (w->stop.closed) return 0;
  rt_stop_at_close(L, w);
  if (w->slot == NULL) rt_stop_part(w);
  rt_signals_forget(w);
  if (!w->in_rt_lua && w->slot == NULL) set_exit_code(w);
  rt_preempt_stop(w);
  if (w->driver.vthread == &w->vthread) rt_vtime_leave(&w->vthread);
  rt_worker_close(w);
  rt_pack_close(w);
  return 0;
}

/* --- the beginning ---------------------------------------------------------------------------- */
typedef void (*opener)(lua_State *, rt_worker *);

/* Stack: the module, or the library whose functions are replaced -> unchanged */
static void open_one(lua_State *L, rt_worker *w, opener open) {
  RTL_ENTER(L, w, 0);
  open(L, w);
}

static void replace_functions(lua_State *L, rt_worker *w, const char *library, opener open) {
  if (lua_getglobal(L, library) == LUA_TTABLE) open_one(L, w, open);
  lua_pop(L, 1);
}

static void fill_module(lua_State *L, rt_worker *w) {
  static const opener open[] = {
      rtL_open_error,     rtL_open_task,     rtL_open_time,    rtL_open_timeout, rtL_open_tcp,
      rtL_open_stream,    rtL_open_listener, rtL_open_spawn,   rtL_open_job,     rtL_open_group,
      rtL_open_channel,   rtL_open_select,   rtL_open_dict,    rtL_open_mutex,   rtL_open_semaphore,
      rtL_open_limiter,   rtL_open_notify,   rtL_open_barrier, rtL_open_once,    rtL_open_watch,
      rtL_open_broadcast, rtL_open_dump,     rtL_open_runtime};
  rtL_outcome_classes(L, w);
  rtL_idle_gc_class(L, w);
  rtL_cancelled_class(L, w);
  lua_setfield(L, -2, "Cancelled");
  for (size_t i = 0; i < rt_countof(open); i++) open_one(L, w, open[i]);
  lua_pushliteral(L, RT_VERSION);
  lua_setfield(L, -2, "version");
}

/* A program may have kept an original function before rt replaced it, and functions of
** lua/rt/tcp.lua have functions of Lua's libraries as upvalues, which the program may hide. As
** fields of rt.core.internal they can still be sent by name. Stack: the module -> unchanged */
static void keep_originals(lua_State *L) {
  static const char *const libraries[] = {LUA_GNAME,       LUA_STRLIBNAME, LUA_TABLIBNAME,
                                          LUA_MATHLIBNAME, LUA_OSLIBNAME,  LUA_COLIBNAME,
                                          LUA_IOLIBNAME};
  lua_getfield(L, -1, "internal");
  int internal = lua_gettop(L);
  for (size_t i = 0; i < rt_countof(libraries); i++) {
    if (lua_getglobal(L, libraries[i]) == LUA_TTABLE) {
      lua_pushnil(L);
      while (lua_next(L, internal + 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_iscfunction(L, -1)) {
          lua_pushfstring(L, "original %s.%s", libraries[i], lua_tostring(L, -2));
          lua_pushvalue(L, -2);
          lua_rawset(L, internal);
        }
        lua_pop(L, 1);
      }
    }
    lua_settop(L, internal);
  }
  lua_pop(L, 1);
}

/* Pushes the table of the methods of a class, or a value that is no table. */
static void push_methods(lua_State *L, rt_worker *w, rt_class which) {
  RTL_ENTER(L, w, +1);
  rt_anchor_push(L, w, RT_ANCHOR_CLASSES + (int)which);
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "__index");
    lua_remove(L, -2);
  }
  if (lua_iscfunction(L, -1) && lua_getupvalue(L, -1, 2) != NULL) lua_remove(L, -2);
}

/* The methods of rt's objects can be sent by name: rt.spawn(channel.recv, channel). The name has
** the number of the class, since tasks of the pool and of this state have the same class name.
** Stack: the module -> unchanged */
static void name_methods(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  lua_getfield(L, -1, "internal");
  int internal = lua_gettop(L);
  for (int which = 0; which < RT_CLASSES; which++) {
    push_methods(L, w, (rt_class)which);
    if (lua_istable(L, -1)) {
      lua_pushnil(L);
      while (lua_next(L, internal + 1)) {
        lua_pushfstring(L, "%s.%s (class %d)", rt_class_name((rt_class)which), lua_tostring(L, -2),
                        which);
        lua_insert(L, -2);
        lua_rawset(L, internal);
      }
    }
    lua_settop(L, internal);
  }
  lua_pop(L, 1);
}

const char rt_kept_package[] = "package", rt_kept_path[] = "path", rt_kept_cpath[] = "cpath";

/* Stack: unchanged */
static void keep_package(lua_State *L, rt_worker *w) {
  static const char *const fields[] = {rt_kept_path, rt_kept_cpath};
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_LOADLIBNAME) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_getglobal(L, LUA_LOADLIBNAME);
  }
  if (lua_istable(L, -1)) {
    for (size_t i = 0; i < rt_countof(fields); i++) {
      lua_getfield(L, -1, fields[i]);
      rtL_worker_keep(L, w, fields[i]);
    }
    lua_pushvalue(L, -1);
    rtL_worker_keep(L, w, rt_kept_package);
  }
  lua_pop(L, 2);
}

static const char core_key; /* key of the module, which the worker keeps */

/* And in Lua's registry: a process may have two copies of this code, that of rt-lua and rt/core.so,
** and a state must have one runtime. */
#define REGISTRY_NAME "rt.core"

/* Closures of the Lua files have internal functions as upvalues. Such a function can be sent if a
** loaded module holds it, so the table of internal functions is the module "rt.core.internal".
** Stack: the module -> unchanged */
static void name_internal(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -2, "internal");
  lua_setfield(L, -2, "rt.core.internal");
  lua_pop(L, 1);
}

static bool push_core_module(lua_State *L) {
  rt_worker *w = rt_worker_find(L);
  if (w) {
    if (rt_worker_push_kept(L, w, &core_key) == LUA_TTABLE) return true;
    lua_pop(L, 1);
  }
  if (lua_getfield(L, LUA_REGISTRYINDEX, REGISTRY_NAME) == LUA_TTABLE) return true;
  lua_pop(L, 1);
  return false;
}

bool rtL_core_module_find(lua_State *L) {
  if (!push_core_module(L)) return false;
  name_internal(L); /* the program may have emptied package.loaded */
  return true;
}

static void prepare_process(void) {
  static rt_atomic(bool) prepared;
  if (!rt_swap(&prepared, true)) atexit(at_exit);
}

rt_worker *rtL_core_module_new(lua_State *L, const rt_worker_hooks *hooks) {
  prepare_process();
  rt_worker *w = rt_worker_find(L); /* an earlier attempt failed for lack of memory */
  if (w == NULL) w = rtL_worker_new(L, hooks, on_close);
  rtL_pack_open(L, w);
  lua_newtable(L);
  fill_module(L, w);
  keep_originals(L);
  return w;
}

void rtL_core_module_install(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  name_methods(L, w);
  lua_getfield(L, -1, "internal");
  rtL_set_hidden(L);
  lua_setfield(L, -2, "internal");
  rtL_set_hidden(L);
  name_internal(L);
  keep_package(L, w);
  replace_functions(L, w, "coroutine", rtL_open_coroutine);
  replace_functions(L, w, "os", rtL_open_os);
  replace_functions(L, w, "io", rtL_open_io);
  open_one(L, w, rtL_open_print);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, REGISTRY_NAME);
  lua_pushvalue(L, -1);
  rtL_worker_keep(L, w, &core_key);
}

void rt_core_module_enter(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->slot == NULL)
    strcpy(w->status.name, "main");
  else
    snprintf(w->status.name, sizeof w->status.name, "%s %d",
             w->slot->sched->config.exclusive ? "blocking" : "pool", w->slot->number + 1);
  w->status.in_blocking_pool = w->slot && w->slot->sched->config.exclusive;
  rt_store(&w->status.stall, w->worker_config ? w->worker_config->stall : RT_STALL);
  w->status.load = w->slot ? &w->slot->load : NULL;
  w->status.runtime = w->slot ? w->slot->sched->config.runtime : NULL;
  rt_worker_registry_add(&w->status);
  if (w->slot) rt_watchdog_add(&w->status);
}
