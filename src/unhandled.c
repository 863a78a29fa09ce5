#include "unhandled.h"

#include "outcome.h"
#include "work.h"

#include <stdio.h>

/* A handler that fails is not asked about itself. */
static bool has_handler(lua_State *L, rt_worker *w) {
  lua_getiuservalue(L, -1, RT_FAILURE_TASK);
  const rt_task *t = lua_touserdata(L, -1);
  rtL_keep_push(L, w, RT_KEEP_ON_UNHANDLED);
  bool has = lua_isfunction(L, -1) && !t->is_handler;
  lua_remove(L, -2);
  if (!has) lua_pop(L, 1);
  return has;
}

/* Stack: the failure -> the handler and its arguments, and true; or nothing. */
static bool prepare(lua_State *L, rt_worker *w) {
  if (!has_handler(L, w)) {
    rtL_outcome_report(L, w);
    return false;
  }
  lua_insert(L, -2);
  rtL_outcome_unpack(L); /* error, traceback, task */
  lua_insert(L, -2);     /* error, task, traceback */
  return true;
}

/* Stack: an error about an error -> nothing */
static void complain(lua_State *L, rt_worker *w, const char *what) {
  const char *text = lua_tostring(L, -1);
  fprintf(stderr, "rt: %s: %s\n", what, text ? text : luaL_typename(L, -1));
  fflush(stderr);
  w->failed = true;
  lua_pop(L, 1);
}

/* --- of the pool ---------------------------------------------------------------------------------------- */
/* Stack: -> the handle of the next job with an error nobody can join, or nothing. */
static rt_job *take_orphan(lua_State *L, rt_worker *w) {
  rt_work_handle *h;
  rt_list *l;
  if (rt_list_empty(&w->orphans)) return NULL;
  h = rtL_class_new(L, &w->classes, RT_CLASS_JOB, sizeof *h, 0); /* first: it may raise */
  l = rt_list_take(&w->orphans);
  h->job = rt_containerof(l, rt_job, record.link);
  return h->job;
}

/* Stack: the handle -> the handler and its arguments, and true; or nothing. */
static bool prepare_orphan(lua_State *L, rt_worker *w, rt_job *j) {
  int handle = lua_gettop(L);
  rtL_work_push_failure(L, w, j); /* error, traceback, title */
  rtL_keep_push(L, w, RT_KEEP_ON_UNHANDLED);
  if (!lua_isfunction(L, -1)) {
    lua_pop(L, 1);
    rtL_outcome_write(L, w);
    lua_settop(L, handle - 1);
    return false;
  }
  lua_replace(L, handle + 3); /* handle, error, traceback, handler */
  lua_insert(L, handle);
  lua_pushvalue(L, handle + 1);
  lua_remove(L, handle + 1);
  lua_insert(L, handle + 2); /* handler, error, handle, traceback */
  return true;
}

static int tell(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  rt_job *j;
  while ((j = take_orphan(L, w)) != NULL) {
    if (prepare_orphan(L, w, j)) {
      rtL_worker_spawn(L, w, 3, 0)->is_handler = 1;
      lua_pop(L, 1);
    }
  }
  while (rtL_outcome_unhandled(L, w)) {
    if (prepare(L, w)) {
      rtL_worker_spawn(L, w, 3, 0)->is_handler = 1;
      lua_pop(L, 1);
    }
  }
  return 0;
}

void rt_unhandled_tell(rt_worker *w) {
  lua_State *L = w->hand;
  lua_pushcfunction(L, tell);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) complain(L, w, "an unhandled error could not be reported");
}

/* --- looking for them --------------------------------------------------------------------------- */
/* A probe is garbage from its birth: once it is finalized, the collector has been at what
** was garbage then, by cycles or by generations.  (Nothing else tells that in both modes:
** the steps of a generational collector never come to an end.) */
static int probe_gc(lua_State *L) {
  rt_worker *w = lua_touserdata(L, lua_upvalueindex(1));
  w->has_probe = false;
  if (w->looking > 0) w->looking--;
  return 0;
}

static int new_probe(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  rtL_class_new(L, &w->classes, RT_CLASS_PROBE, 1, 0);
  w->has_probe = true;
  return 0;
}

static bool has_probe(rt_worker *w) {
  lua_State *L = w->hand;
  if (w->has_probe) return true;
  lua_pushcfunction(L, new_probe);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  return w->has_probe;
}

bool rt_unhandled_look(rt_worker *w) {
  if (w->looking == 0 || w->stopping || !lua_gc(w->hand, LUA_GCISRUNNING)) return false;
  if (!has_probe(w) || lua_gc(w->hand, LUA_GCSTEP, 16) < 0) w->looking = 0;
  return true;
}

void rtL_unhandled_classes(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", probe_gc}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_PROBE, &(rt_class_def){.meta = meta});
}

/* --- the end ------------------------------------------------------------------------------------ */
/* What is still held, but will not be joined any more. */
static void gather_orphans(rt_worker *w) {
  rt_record *r;
  while (w->office && (r = rt_office_next(w->office)) != NULL)
    rt_list_append(&w->orphans, &r->link);
}

void rtL_unhandled_tell_all(lua_State *L, rt_worker *w) {
  rt_job *j;
  w->tells_last = true;
  gather_orphans(w);
  while ((j = take_orphan(L, w)) != NULL) {
    if (prepare_orphan(L, w, j) && lua_pcall(L, 3, 0, 0) != LUA_OK)
      complain(L, w, "the function of rt.on_unhandled failed");
  }
  rtL_outcome_flush(L, w);
  while (rtL_outcome_unhandled(L, w)) {
    if (prepare(L, w) && lua_pcall(L, 3, 0, 0) != LUA_OK)
      complain(L, w, "the function of rt.on_unhandled failed");
  }
}
