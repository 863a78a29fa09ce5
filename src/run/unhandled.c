#include "run/unhandled.h"

#include "run/cancel.h"
#include "run/outcome.h"
#include "run/job_entry.h"

#include <stdio.h>

/* --- writing to stderr ------------------------------------------------------------------------------- */
static int to_text(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* What an error says of itself: its __tostring may fail. */
static void push_text(lua_State *L, int error) {
  lua_pushcfunction(L, to_text);
  lua_pushvalue(L, error);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return;
  const char *why = lua_tostring(L, -1);
  lua_pushfstring(L, "(error object is a %s value; its __tostring failed: %s)",
                  luaL_typename(L, error), why ? why : "?");
  lua_remove(L, -2);
}

/* Stack: the error, its traceback, the first line -> nothing */
static void put_out(lua_State *L, rt_worker *w) {
  int error = lua_gettop(L) - 2;
  push_text(L, error);
  lua_pushfstring(L, "rt: %s%s\n%s\n", lua_tostring(L, error + 2), lua_tostring(L, -1),
                  lua_tostring(L, error + 1));
  fputs(lua_tostring(L, -1), stderr);
  fflush(stderr);
  w->exit.failed = true;
  lua_settop(L, error - 1);
}

static void write_unhandled(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, -3);
  lua_pushfstring(L, "unhandled error in %s\n", lua_tostring(L, -1));
  lua_replace(L, -2);
  put_out(L, w);
}

static void write_failed(lua_State *L, rt_worker *w, const char *what) {
  RTL_ENTER(L, w, -2);
  lua_pushfstring(L, "%s: ", what);
  put_out(L, w);
}

/* --- what the function of rt.on_unhandled is told ------------------------------------------------- */
/* It stays in a table until that has returned: if it never does, it is written to stderr. */
enum { TOLD = 3 }; /* an error, its traceback, the title of its task */

/* Who tells: the id of a task, or 0: the end, which tells one at a time. */
static lua_Integer teller(const rt_worker *w) {
  return w->running && w->running->is_handler ? (lua_Integer)w->running->id : 0;
}

static void remember(lua_State *L, rt_worker *w, int error, lua_Integer who) {
  rtL_anchor_push(L, w, RT_ANCHOR_REPORTING);
  lua_createtable(L, TOLD, 0);
  for (int i = 0; i < TOLD; i++) {
    lua_pushvalue(L, error + i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_rawseti(L, -2, who);
  lua_pop(L, 1);
}

static void forget(lua_State *L, rt_worker *w, lua_Integer who) {
  rtL_anchor_push(L, w, RT_ANCHOR_REPORTING);
  lua_pushnil(L);
  lua_rawseti(L, -2, who);
  lua_pop(L, 1);
}

void rtL_unhandled_mark_handled(lua_State *L, rt_worker *w) { forget(L, w, teller(w)); }

/* Stack: … what was told -> … */
static void write_told(lua_State *L, rt_worker *w) {
  int told = lua_gettop(L);
  for (int i = 1; i <= TOLD; i++) lua_rawgeti(L, told, i);
  write_unhandled(L, w);
  lua_pop(L, 1);
}

/* Those who were told have been closed before they returned. */
static void write_lost(lua_State *L, rt_worker *w) {
  rtL_anchor_push(L, w, RT_ANCHOR_REPORTING);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    fputs("rt: the function of rt.on_unhandled was closed before it returned\n", stderr);
    write_told(L, w);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
  lua_pop(L, 1);
}

/* --- calling it -------------------------------------------------------------------------------------- */
/* Stack: … the error that it raised -> the same */
static void write_both(lua_State *L, rt_worker *w, lua_Integer who) {
  int error = lua_gettop(L);
  rtL_anchor_push(L, w, RT_ANCHOR_REPORTING);
  if (lua_rawgeti(L, -1, who) == LUA_TTABLE) { /* else it has called os.exit */
    lua_pushvalue(L, error);
    rtL_outcome_take_trace(L, w);
    write_failed(L, w, "the function of rt.on_unhandled failed");
    write_told(L, w);
  }
  lua_settop(L, error);
}

static int called(lua_State *L, int status, lua_KContext who) {
  rt_worker *w = rtL_worker_find(L);
  bool failed = status != LUA_OK && status != LUA_YIELD;
  if (failed) write_both(L, w, who);
  forget(L, w, who);
  bool cancelled = failed && rtL_class_test(L, &w->classes, RT_CLASS_CANCELLED, -1);
  return cancelled && who != 0 ? lua_error(L) : 0;
}

/* (function, error, task, traceback) */
static int call(lua_State *L) {
  lua_KContext who = teller(rtL_worker_find(L));
  lua_pushcfunction(L, rtL_outcome_traceback);
  lua_insert(L, 1);
  return called(L, lua_pcallk(L, 3, 0, 1, who, called), who);
}

/* Stack: error, traceback, title, task -> the same, 'call' and its arguments; or nothing, and it
** has been written.  A task that tells is not told about itself. */
static bool prepare(lua_State *L, rt_worker *w, bool of_teller) {
  int error = lua_gettop(L) - TOLD;
  rtL_anchor_push(L, w, RT_ANCHOR_ON_UNHANDLED);
  if (of_teller || !lua_isfunction(L, -1)) {
    lua_settop(L, error + TOLD - 1);
    write_unhandled(L, w);
    return false;
  }
  lua_pushcfunction(L, call);
  lua_insert(L, -2);
  lua_pushvalue(L, error);
  lua_pushvalue(L, error + TOLD);
  lua_pushvalue(L, error + 1);
  return true;
}

/* --- telling ------------------------------------------------------------------------------------------ */
/* Stack: an error about an error -> nothing */
static void complain(lua_State *L, rt_worker *w) {
  const char *text = lua_tostring(L, -1);
  fprintf(stderr, "rt: an unhandled error could not be reported: %s\n",
          text ? text : luaL_typename(L, -1));
  fflush(stderr);
  w->exit.failed = true;
  lua_pop(L, 1);
}

/* Stack: -> the handle of the next job with an error nobody can join, or nothing. */
static rt_job *take_orphan(lua_State *L, rt_worker *w) {
  if (rt_list_empty(&w->unhandled.jobs)) return NULL;
  rt_shared_ref *handle =
      rtL_class_new(L, &w->classes, RT_CLASS_JOB, sizeof *handle, 0); /* first: it may raise */
  rt_list *l = rt_list_take(&w->unhandled.jobs);
  if (w->stop.state_closes) rt_list_append(&w->unhandled.unfinalized, l);
  rt_job *j = rt_containerof(l, rt_job, failure.link);
  handle->shared = &j->shared;
  return j;
}

/* Stack: -> error, traceback, title, task; or nothing: there is no more */
static bool next(lua_State *L, rt_worker *w, bool *of_teller) {
  int handle = lua_gettop(L) + 1;
  rt_job *j = take_orphan(L, w);
  *of_teller = false;
  if (j) {
    rtL_job_entry_push_failure(L, w, j);
    lua_rotate(L, handle, -1);
  } else if (rtL_outcome_unhandled(L, w)) {
    rtL_outcome_unpack(L, w);
    const rt_task *t = lua_touserdata(L, -1);
    *of_teller = t->is_handler;
  }
  return lua_gettop(L) >= handle;
}

static int tell(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  bool of_teller;
  while (next(L, w, &of_teller)) {
    if (prepare(L, w, of_teller)) {
      rt_task *t = rtL_worker_spawn(L, w, 4, 0);
      t->is_handler = 1;
      remember(L, w, 2, (lua_Integer)t->id);
    }
    lua_settop(L, 1);
  }
  return 0;
}

void rt_unhandled_report(rt_worker *w) {
  rt_worker_assert_thread(w);
  lua_State *L = w->pcall_L;
  lua_pushcfunction(L, tell);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) complain(L, w);
}

/* --- looking for them --------------------------------------------------------------------------- */
/* A probe is garbage from its birth: once it is finalized, the collector has been at what
** was garbage then, by cycles or by generations.  (Nothing else tells that in both modes:
** the steps of a generational collector never come to an end.) */
static int probe_gc(lua_State *L) {
  rt_worker *w = rtL_self(L);
  w->unhandled.has_probe = false;
  if (w->unhandled.gc_cycles > 0) w->unhandled.gc_cycles--;
  return 0;
}

static int new_probe(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  rtL_class_new(L, &w->classes, RT_CLASS_PROBE, 1, 0);
  w->unhandled.has_probe = true;
  return 0;
}

static bool has_probe(rt_worker *w) {
  lua_State *L = w->pcall_L;
  if (w->unhandled.has_probe) return true;
  lua_pushcfunction(L, new_probe);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  return w->unhandled.has_probe;
}

bool rt_unhandled_look(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->unhandled.gc_cycles == 0 || w->stop.begun || !lua_gc(w->pcall_L, LUA_GCISRUNNING))
    return false;
  if (!has_probe(w) || lua_gc(w->pcall_L, LUA_GCSTEP, 16) < 0) w->unhandled.gc_cycles = 0;
  return true;
}

void rtL_unhandled_classes(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg meta[] = {{"__gc", probe_gc}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_PROBE, &(rt_class_def){.meta = meta});
}

/* --- the end ------------------------------------------------------------------------------------ */
/* What is still held, but will not be joined any more. */
static void gather_orphans(rt_worker *w) {
  rt_failure_record *r;
  while (w->runtime && (r = rt_runtime_take_failure(w->runtime)) != NULL)
    rt_list_append(&w->unhandled.jobs, &r->link);
}

static void tell_now(lua_State *L, rt_worker *w) {
  bool of_teller;
  for (int top = lua_gettop(L); next(L, w, &of_teller); lua_settop(L, top)) {
    if (!prepare(L, w, of_teller)) continue;
    remember(L, w, top + 1, 0);
    if (lua_pcall(L, 4, 0, 0) != LUA_OK) complain(L, w);
  }
}

void rtL_unhandled_report_all(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  w->unhandled.directly = true;
  gather_orphans(w);
  tell_now(L, w);
  rtL_outcome_flush(L, w);
  tell_now(L, w);
  write_lost(L, w);
}
