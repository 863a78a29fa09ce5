#include "run/outcome.h"

#include "run/cancel.h"
#include "run/idle_gc.h"
#include "run/unjoined.h"
#include "task/task_name.h"
#include "task/task_title.h"
#include "worker/traceback.h"

enum {
  ERROR = RT_FAILURE_ERROR,
  TRACE = RT_FAILURE_TRACE,
  HANDLE = RT_FAILURE_TASK,
  VALUES = HANDLE
};

typedef struct failure {
  uint32_t site;  /* where its task was spawned */
  bool handled;   /* joined, or reported */
  uint64_t since; /* rt_clock: when the task failed */
  rt_list link;   /* in failures.late; in none if it was handled, or the task is of a group */
} failure;

/* --- the traceback ---------------------------------------------------------------------------- */
int rtL_outcome_traceback(lua_State *L) {
  rt_worker *w = rt_worker_find(L);
  lua_settop(L, 1);
  if (rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, 1)) return 1;
  rt_anchor_push(L, w, RT_ANCHOR_TRACES);
  lua_pushthread(L);
  rtL_traceback_where(L, w, 1, 1);
  lua_rawset(L, 2);
  lua_settop(L, 1);
  return 1;
}

void rtL_outcome_take_trace(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +1);
  rt_anchor_push(L, w, RT_ANCHOR_TRACES);
  lua_pushthread(L);
  if (lua_rawget(L, -2) == LUA_TNIL) { /* no handler ran: an error for lack of memory */
    lua_pop(L, 1);
    lua_pushliteral(L, "(no traceback)");
  } else {
    lua_pushthread(L);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
}

/* --- keeping ---------------------------------------------------------------------------------- */
static void keep_value(lua_State *L, rt_worker *w, int handle) {
  rt_anchor_push(L, w, RT_ANCHOR_OUTCOMES);
  lua_pushvalue(L, handle);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}

/* Stack: …, error -> …, failure */
static void push_failure(lua_State *L, rt_worker *w, rt_task *t, int handle, uint32_t site) {
  failure *f = rtL_class_new(L, &w->classes, RT_CLASS_FAILURE, sizeof *f, VALUES);
  rt_list_init(&f->link);
  f->site = site;
  f->since = rt_clock();
  f->handled = true; /* until it is complete: failure_gc reports one that is not handled */
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, ERROR);
  rtL_outcome_take_trace(L, w);
  rtL_cancel_note(L, w, t);
  lua_setiuservalue(L, -2, TRACE);
  lua_pushvalue(L, handle);
  lua_setiuservalue(L, -2, HANDLE);
  f->handled = false;
  if (t->more && t->more->group) return;
  rt_list_append(&w->failures.late, &f->link);
  rt_unjoined_watch(w, f->since);
}

static rt_phase keep_error(lua_State *L, rt_worker *w, rt_task *t, int handle, uint32_t site) {
  rt_phase how = RT_CANCELLED;
  bool cancelled = t->cancelled || rt_worker_is_ending(w);
  if (!cancelled || !rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, -1)) {
    how = RT_FAILED;
    push_failure(L, w, t, handle, site);
    w->failures.unjoined++;
    rt_idle_gc_request(w);
  }
  keep_value(L, w, handle);
  t->result = RT_RESULT_KEPT;
  return how;
}

/* Stack: v1, …, vn -> { n = n, v1, …, vn } */
static void pack_results(lua_State *L, int first, int n) {
  lua_createtable(L, n, 1);
  lua_insert(L, first);
  for (int i = n; i > 0; i--) lua_rawseti(L, first, i);
  lua_pushinteger(L, n);
  lua_setfield(L, first, "n");
}

static void keep_results(lua_State *L, rt_worker *w, rt_task *t, int handle, int first) {
  int n = lua_gettop(L) - first + 1;
  int type = n == 1 ? lua_type(L, first) : LUA_TNONE;
  if (n == 0) {
    t->result = RT_RESULT_NONE;
  } else if (type == LUA_TBOOLEAN) {
    t->integer = lua_toboolean(L, first);
    t->result = RT_RESULT_BOOL;
  } else if (type == LUA_TNUMBER && lua_isinteger(L, first)) {
    t->integer = lua_tointeger(L, first);
    t->result = RT_RESULT_INTEGER;
  } else if (type == LUA_TNUMBER) {
    t->number = lua_tonumber(L, first);
    t->result = RT_RESULT_NUMBER;
  } else {
    bool single = n == 1 && type != LUA_TNIL; /* a table has no place for nil */
    if (!single) pack_results(L, first, n);
    keep_value(L, w, handle);
    t->result = single ? RT_RESULT_KEPT : RT_RESULT_LIST;
  }
}

rt_phase rtL_outcome_keep(lua_State *L, rt_worker *w, rt_task *t, int handle, int first) {
  rt_worker_assert_thread(w);
  luaL_checkstack(L, LUA_MINSTACK, "no room for the results of a task");
  keep_results(L, w, t, handle, first);
  return RT_DONE;
}

rt_phase rtL_outcome_keep_error(lua_State *L, rt_worker *w, rt_task *t, int handle, uint32_t site) {
  rt_worker_assert_thread(w);
  luaL_checkstack(L, LUA_MINSTACK, "no room for the error of a task");
  return keep_error(L, w, t, handle, site);
}

/* --- joining ---------------------------------------------------------------------------------- */
static void push_kept(lua_State *L, rt_worker *w, int handle) {
  rt_anchor_push(L, w, RT_ANCHOR_OUTCOMES);
  lua_pushvalue(L, handle);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

static void set_handled(rt_worker *w, failure *f) {
  if (f->handled) return;
  f->handled = true;
  rt_list_remove(&f->link);
  w->failures.unjoined--;
}

/* Pushes the title of the task whose handle is at 'handle'. */
static void push_task_title(lua_State *L, rt_worker *w, const failure *f, int handle) {
  const rt_task *t = lua_touserdata(L, handle);
  char title[RT_TASK_NAME_MAX + RT_TASK_TITLE_MAX];
  rt_anchor_push(L, w, RT_ANCHOR_NAMES);
  lua_pushvalue(L, handle);
  lua_rawget(L, -2);
  rt_task_title_write(title, sizeof title, t->id, lua_tostring(L, -1),
                      rt_call_site_text(&w->call_sites, f->site));
  lua_pop(L, 2);
  lua_pushstring(L, title);
}

int rtL_outcome_raise(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  int error = lua_gettop(L) - 2;
  lua_pushfstring(L, "in %s\n%s", lua_tostring(L, error + 2), lua_tostring(L, error + 1));
  lua_replace(L, error + 1);
  lua_settop(L, error + 1);
  return rtL_traceback_raise(L, w);
}

static int raise_task_failure(lua_State *L, rt_worker *w, int handle) {
  failure *f = lua_touserdata(L, -1);
  set_handled(w, f);
  lua_getiuservalue(L, -1, ERROR);
  lua_getiuservalue(L, -2, TRACE);
  push_task_title(L, w, f, handle);
  return rtL_outcome_raise(L, w);
}

static int push_list(lua_State *L) {
  lua_getfield(L, -1, "n");
  int n = (int)lua_tointeger(L, -1), list = lua_gettop(L) - 1;
  luaL_checkstack(L, n, "too many results");
  for (int i = 1; i <= n; i++) lua_rawgeti(L, list, i);
  return n;
}

int rtL_outcome_push(lua_State *L, rt_worker *w, rt_task *t, int handle) {
  rt_worker_assert_thread(w);
  handle = lua_absindex(L, handle);
  if (rt_unlikely(t->phase == RT_CANCELLED)) return rtL_cancel_rethrow(L, w, handle);
  switch ((rt_result)t->result) {
    case RT_RESULT_NONE: return 0;
    case RT_RESULT_BOOL: lua_pushboolean(L, t->integer != 0); return 1;
    case RT_RESULT_INTEGER: lua_pushinteger(L, t->integer); return 1;
    case RT_RESULT_NUMBER: lua_pushnumber(L, t->number); return 1;
    case RT_RESULT_NOMEM: return rtL_error_no_memory(L);
    case RT_RESULT_KEPT:
    case RT_RESULT_LIST: break;
  }
  push_kept(L, w, handle);
  if (t->phase == RT_FAILED) return raise_task_failure(L, w, handle);
  return t->result == RT_RESULT_LIST ? push_list(L) : 1;
}

/* --- failures that were not joined ------------------------------------------------------------ */
static int queue_unhandled(lua_State *L, rt_worker *w, int index) {
  failure *f = lua_touserdata(L, index);
  if (f->handled) return 0;
  rt_anchor_push(L, w, RT_ANCHOR_UNHANDLED);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, w->failures.taken + 1 + w->failures.count);
  lua_pop(L, 1);
  w->failures.count++;
  set_handled(w, f);
  return 1;
}

/* A failure is collected with its handle: no task can join it any more. */
static int failure_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  failure *f = rtL_class_check(L, &w->classes, RT_CLASS_FAILURE, 1);
  rt_list_remove(&f->link); /* (before that which may raise, without memory) */
  if (!w->stop.closed) queue_unhandled(L, w, 1);
  return 0;
}

/* Queues the failures that are not handled: all, or those that are late. */
static void queue_all(lua_State *L, rt_worker *w, bool late, uint64_t due) {
  rt_anchor_push(L, w, RT_ANCHOR_OUTCOMES);
  int outcomes = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, outcomes)) {
    const failure *f = rt_class_test(L, &w->classes, RT_CLASS_FAILURE, -1);
    if (f && (!late || (!rt_list_is_empty(&f->link) && f->since <= due)))
      queue_unhandled(L, w, lua_gettop(L));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void rtL_outcome_flush(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (w->failures.unjoined > 0) queue_all(L, w, false, 0);
}

static uint64_t oldest_late(const rt_worker *w) {
  const rt_list *l = rt_list_first(&w->failures.late);
  return l ? rt_containerof(l, const failure, link)->since : 0;
}

uint64_t rtL_outcome_queue_late(lua_State *L, rt_worker *w, uint64_t due) {
  RTL_ENTER(L, w, 0);
  uint64_t oldest = oldest_late(w);
  if (oldest == 0 || oldest > due) return oldest;
  queue_all(L, w, true, due);
  return oldest_late(w);
}

int rt_outcome_unhandled(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->failures.count == 0) return 0;
  rt_anchor_push(L, w, RT_ANCHOR_UNHANDLED);
  int first = w->failures.taken + 1;
  lua_rawgeti(L, -1, first);
  lua_pushnil(L);
  lua_rawseti(L, -3, first);
  w->failures.taken = --w->failures.count == 0 ? 0 : first;
  lua_remove(L, -2);
  return 1;
}

void rtL_outcome_unpack(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, VALUES);
  int index = lua_gettop(L);
  const failure *f = lua_touserdata(L, index);
  lua_getiuservalue(L, index, ERROR);
  lua_getiuservalue(L, index, TRACE);
  lua_getiuservalue(L, index, HANDLE);
  push_task_title(L, w, f, index + 3);
  lua_insert(L, index + 3);
  lua_remove(L, index);
}

void rtL_outcome_classes(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg meta[] = {{"__gc", failure_gc}, {NULL, NULL}};
  rt_list_init(&w->failures.late);
  rtL_worker_class(L, w, RT_CLASS_FAILURE, &(rt_class_def){.meta = meta});
}
