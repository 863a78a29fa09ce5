#include "host/require.h"

#include "base/descriptor.h"
#include "host/core_module.h"
#include "lib/lib.h"
#include "run/task_entry.h"
#include "run/wait.h"

/* The stack of require. What is above MESSAGES belongs to the searcher that is being called. */
enum { NAME = 1, LOADED, LOADING, SEARCHERS, MESSAGES, LOADER, DATA };

/* key of what the worker keeps */
static const char under_way; /* table: name of a module -> its latest loading; weak values */

/* --- one loading ------------------------------------------------------------------------------ */
enum { DEPTH_MAX = 200 /* as many C calls may nest in Lua */ };

typedef struct loading {
  rt_task *task;
  rt_list parked; /* tasks that wait for it */
  int depth;      /* how many loadings of this module are nested, this one included */
  bool over, failed;
} loading;
enum { ERROR = 1, TASK, VALUES = TASK };

static void push_under_way(lua_State *L, rt_worker *w) {
  rt_worker_push_kept(L, w, &under_way);
  lua_pushvalue(L, NAME);
}

static void push_task(lua_State *L, rt_worker *w) {
  if (w->current.task->is_main)
    rt_anchor_push(L, w, RT_ANCHOR_MAIN);
  else if (rt_task_entry_of(L, w, w->current.task->co) == NULL)
    luaL_error(L, "stack overflow");
}

static void raise_circle(lua_State *L) {
  luaL_error(L, "module '%s' requires itself, in a circle", lua_tostring(L, NAME));
}

/* Stack: NAME, LOADED -> NAME, LOADED, LOADING. The loading is closed when this call of require
** ends, in any way. */
static void begin_loading(lua_State *L, rt_worker *w, int depth) {
  if (depth > DEPTH_MAX) raise_circle(L);
  loading *l = rtL_class_new(L, &w->classes, RT_CLASS_LOADING, sizeof *l, VALUES);
  rt_list_init(&l->parked);
  push_task(L, w);
  lua_setiuservalue(L, LOADING, TASK);
  l->task = w->current.task;
  l->depth = depth;
  push_under_way(L, w);
  lua_pushvalue(L, LOADING);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  lua_toclose(L, LOADING);
}

/* Arguments: loading, error. If the task was cancelled, the loading has not failed: the next task
** tries again. */
static int loading_close(lua_State *L) {
  rt_worker *w = rt_self(L);
  loading *l = rtL_class_check(L, &w->classes, RT_CLASS_LOADING, 1);
  rt_list *parked;
  l->failed = !lua_isnil(L, 2) && !rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, 2);
  l->over = true;
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, ERROR);
  while ((parked = rt_list_first(&l->parked)) != NULL)
    rt_driver_wake(&w->driver, rt_containerof(parked, rt_task, link), RT_FIRED);
  return 0;
}

/* Does the task that loads the module wait for task t, directly or through other tasks of this
** state? */
static bool is_circle(const loading *l, const rt_task *t) {
  enum { HOPS_MAX = 1000 }; /* other tasks may wait for each other in a circle */
  const rt_task *next = l->task;
  for (int hops = 0; next != t && hops < HOPS_MAX; hops++) {
    if (next->phase != RT_WAITING) return false;
    if (next->op == RT_OP_REQUIRE)
      next = ((const loading *)next->waits_on)->task;
    else if (next->op == RT_OP_JOIN && next->wait_kind == RT_WAIT_OTHER) /* joins a local task */
      next = next->waits_on;
    else
      return false;
  }
  return true;
}

/* Stack: NAME, LOADED -> NAME, LOADED, LOADING. Returns the loading of another task, for which this
** one must wait; NULL: this task has begun one. */
static loading *join_or_begin(lua_State *L, rt_worker *w) {
  push_under_way(L, w);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  loading *l = lua_touserdata(L, LOADING);
  bool is_there = l && !l->over && !rt_task_has_ended(l->task);
  if (is_there && l->task != w->current.task) {
    if (is_circle(l, w->current.task)) raise_circle(L);
    return l;
  }
  int depth = is_there ? l->depth + 1 : 1;
  lua_settop(L, LOADED);
  begin_loading(L, w, depth);
  return NULL;
}

/* --- loading ---------------------------------------------------------------------------------- */
/* Stack: NAME … DATA, what the loader returned */
static int loaded(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  const char *name = lua_tostring(L, NAME);
  if (!lua_isnil(L, -1)) lua_setfield(L, LOADED, name);
  lua_settop(L, DATA);
  if (lua_getfield(L, LOADED, name) == LUA_TNIL) { /* the module did not set it either */
    lua_pushboolean(L, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, LOADED, name);
  }
  lua_pushvalue(L, DATA);
  return 2;
}

static int load_module(lua_State *L) {
  lua_pushvalue(L, LOADER);
  lua_pushvalue(L, NAME);
  lua_pushvalue(L, DATA);
  lua_callk(L, 2, 1, 0, loaded);
  return loaded(L, LUA_OK, 0);
}

/* Has the searcher found a loader? If not, its message is added to MESSAGES. */
static bool is_found(lua_State *L) {
  if (lua_isfunction(L, LOADER)) return true;
  if (lua_isstring(L, LOADER)) {
    lua_pushfstring(L, "%s\n\t%s", lua_tostring(L, MESSAGES), lua_tostring(L, LOADER));
    lua_replace(L, MESSAGES);
  }
  lua_settop(L, MESSAGES);
  return false;
}

/* The last searcher. The others take a file that they cannot open for one that does not exist; this
** one says so, if there is no descriptor to open a file. */
static int search_shortage(lua_State *L) {
  int err = rt_descriptor_find(1);
  if (err == 0) return 0;
  lua_pushfstring(L, "%s: %s", rt_system_error_name(err), rt_system_error_text(err));
  return 1;
}

/* Stack: NAME … MESSAGES */
static int raise_not_found(lua_State *L) {
  lua_pushcfunction(L, search_shortage);
  lua_call(L, 0, 1);
  is_found(L); /* (no: this adds to MESSAGES) */
  return luaL_error(L, "module '%s' not found:%s", lua_tostring(L, NAME),
                    lua_tostring(L, MESSAGES));
}

/* The searcher at 'index' has returned; 0: none was called yet. */
static int search(lua_State *L, int status, lua_KContext index) {
  (void)status;
  while (index == 0 || !is_found(L)) {
    if (lua_rawgeti(L, SEARCHERS, ++index) == LUA_TNIL) {
      lua_settop(L, MESSAGES);
      return raise_not_found(L);
    }
    lua_pushvalue(L, NAME);
    lua_callk(L, 1, 2, index, search);
  }
  return load_module(L);
}

/* --- require ---------------------------------------------------------------------------------- */
static int others_loaded(lua_State *L, int status, lua_KContext ctx);

/* Stack: NAME */
static int get(lua_State *L, rt_worker *w) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, LOADED, lua_tostring(L, NAME));
  if (lua_toboolean(L, -1)) return 1;
  lua_settop(L, LOADED);
  loading *l = NULL;
  if (w->current.task != NULL)
    l = join_or_begin(L, w);
  else
    lua_pushnil(L); /* a finalizer, outside of tasks: no task waits for this loading */
  if (l != NULL) {
    rt_task *t = rtL_cancel_checkpoint(L, w);
    rtL_wait_prepare(L, w, t);
    rt_task_park(t, RT_OP_REQUIRE, l, &l->parked);
    return rtL_wait(L, w, others_loaded, 0);
  }
  rt_worker_push_kept(L, w, rt_kept_package);
  lua_getfield(L, -1, "searchers");
  lua_remove(L, -2);
  if (!lua_istable(L, SEARCHERS)) return luaL_error(L, "'package.searchers' must be a table");
  lua_pushliteral(L, "");
  return search(L, LUA_OK, 0);
}

static int others_loaded(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rt_self(L);
  rtL_wait_over(L, w);
  const loading *l = lua_touserdata(L, LOADING);
  if (l->failed) {
    lua_getiuservalue(L, LOADING, ERROR);
    return lua_error(L);
  }
  lua_settop(L, NAME);
  return get(L, w);
}

/* value, where = require(name) */
static int require(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, NAME);
  return get(L, rt_self(L));
}

void rtL_require_add_searcher(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "searchers");
  lua_pushcfunction(L, search_shortage);
  lua_rawseti(L, -2, luaL_len(L, -2) + 1);
  lua_pop(L, 3);
}

void rtL_require_open(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  static const luaL_Reg meta[] = {{"__close", loading_close}, {NULL, NULL}};
  rt_worker *w = rt_worker_find(L);
  rtL_worker_class(L, w, RT_CLASS_LOADING, &(rt_class_def){.meta = meta});
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  rtL_worker_keep(L, w, &under_way);
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_pushcclosure(L, require, 1);
  lua_setglobal(L, "require");
}
