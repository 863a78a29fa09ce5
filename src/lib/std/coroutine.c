/* lib/std/coroutine.c - the functions of the library coroutine, replaced so that a task can wait
** inside a coroutine of the program.
**
** A wait is a yield. If a generator waits, its consumer would take that yield for a value. So these
** functions examine each yield: a wait is passed outward, coroutine by coroutine, to the worker,
** and the resume of the task inward again. All other yields behave as in Lua. A coroutine that is
** suspended by a wait belongs to its task: its status is "normal", and it can be neither resumed
** nor closed.
*/
#include "lib/lib.h"
#include "run/current.h"

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

/* Is the coroutine suspended by a wait? Then its innermost function is a C function of rt, which
** has the worker as upvalue 1. (So has rt's coroutine.yield, but its upvalue 2 is a boolean.) Or by
** a preemption: then the innermost function is a Lua function, which cannot be suspended
** otherwise. */
static bool is_waiting(lua_State *co, rt_worker *w) {
  lua_Debug ar;
  if (lua_status(co) != LUA_YIELD || !lua_getstack(co, 0, &ar)) return false;
  if (!lua_checkstack(co, 2)) return false;
  lua_getinfo(co, "f", &ar);
  bool ours = !lua_iscfunction(co, -1);
  if (!ours && lua_getupvalue(co, -1, 1) != NULL) {
    ours = lua_touserdata(co, -1) == w;
    lua_pop(co, 1);
  }
  if (ours && lua_iscfunction(co, -1) &&
      lua_getupvalue(co, -1, 2) != NULL) { /* coroutine.yield, see coroutine_yield */
    ours = !lua_isboolean(co, -1);
    lua_pop(co, 1);
  }
  lua_pop(co, 1);
  return ours;
}

/* --- resume ----------------------------------------------------------------------------------- */
typedef enum resume_kind { RESUME, WRAP } resume_kind;

static int resume_after_wait(lua_State *L, int status, lua_KContext k);

/* Closes the pending <close> variables of 'co'. Their functions run in 'co', and cannot wait. */
static int close_pending(lua_State *L, lua_State *co, rt_worker *w) {
  rt_current_outer outer = rt_current_enter(w, co);
  rt_current_block(w);
  int status = rt_closethread(co, L);
  rt_current_leave(w, outer);
  return status;
}

/* Stack: ..., the error. Returns as coroutine.resume does, or raises as a function of
** coroutine.wrap. */
static int resume_failed(lua_State *L, lua_State *co, resume_kind k) {
  if (k == RESUME) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* it has failed */
    status = close_pending(L, co, rt_self(L));
    lua_pop(L, 1);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int resume_coroutine(lua_State *L, lua_State *co, int args, resume_kind k) {
  rt_worker *w = rt_self(L);
  int values;
  rt_current_outer outer = rt_current_enter(w, co);
  if (L != outer.co || !lua_isyieldable(L)) rt_current_block(w);
  int status = lua_resume(co, L, args, &values);
  rt_current_leave(w, outer);
  if (status == LUA_YIELD && w->current.yield) return lua_yieldk(L, 0, k, resume_after_wait);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return resume_failed(L, co, k);
  }
  if (!lua_checkstack(L, values + 1)) {
    lua_pop(co, values);
    lua_pushliteral(L, "too many results to resume");
    return resume_failed(L, co, k);
  }
  if (k == RESUME) lua_pushboolean(L, 1);
  lua_xmove(co, L, values);
  return values + (k == RESUME);
}

static lua_State *coroutine_of(lua_State *L, resume_kind k) {
  return lua_tothread(L, k == RESUME ? 1 : lua_upvalueindex(2));
}

/* The task is resumed: resumes the coroutine inside. */
static int resume_after_wait(lua_State *L, int status, lua_KContext k) {
  (void)status;
  return resume_coroutine(L, coroutine_of(L, (resume_kind)k), 0, (resume_kind)k);
}

static int begin_resume(lua_State *L, lua_State *co, int args, resume_kind k) {
  if (rt_unlikely(is_waiting(co, rt_self(L)))) {
    lua_pushliteral(L, "cannot resume non-suspended coroutine");
    return resume_failed(L, co, k);
  }
  if (rt_unlikely(!lua_checkstack(co, args))) {
    lua_pushliteral(L, "too many arguments to resume");
    return resume_failed(L, co, k);
  }
  lua_xmove(L, co, args);
  return resume_coroutine(L, co, args, k);
}

/* true, ... = coroutine.resume(co, ...) */
static int coroutine_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  return begin_resume(L, co, lua_gettop(L) - 1, RESUME);
}

static int call_wrapped(lua_State *L) {
  return begin_resume(L, coroutine_of(L, WRAP), lua_gettop(L), WRAP);
}

/* f = coroutine.wrap(f) */
static int coroutine_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, call_wrapped, 2);
  return 1;
}

/* --- the rest --------------------------------------------------------------------------------- */
/* Is L the coroutine of the running task itself, which only the worker resumes? */
static bool is_task_itself(lua_State *L, rt_worker *w) {
  return w->current.task != NULL && !w->current.task->is_main && w->current.task->co == L;
}

static void refuse_to_yield_out(lua_State *L, rt_worker *w) {
  const rt_cancel_scope *scope = w->current.task->more->cancel_scopes;
  const char *what = scope->critical ? "critical section"
                     : scope->shield ? "shield"
                     : scope->waiter ? "scope"
                                     : "timeout";
  luaL_error(L, "attempt to yield out of a %s: it is this task's, and goes on", what);
}

/* ... = coroutine.yield(...). Upvalue 2 is a boolean, see is_waiting. */
static int coroutine_yield(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (rt_unlikely(is_task_itself(L, w)))
    return luaL_error(L, "attempt to yield from outside a coroutine (in a task, use rt.yield)");
  if (rt_unlikely(w->current.task != NULL && rt_cancel_scope_is_of(w->current.task, L)) &&
      lua_isyieldable(L)) /* (else lua_yield raises, in the words of Lua) */
    refuse_to_yield_out(L, w);
  return lua_yield(L, lua_gettop(L));
}

/* boolean = coroutine.isyieldable([co]) */
static int coroutine_isyieldable(lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : check_coroutine(L);
  lua_pushboolean(L, lua_isyieldable(co) && !is_task_itself(co, rt_self(L)));
  return 1;
}

/* co, ismain = coroutine.running() */
static int coroutine_running(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (is_task_itself(L, w)) w->current.task->is_exposed = 1;
  lua_pushboolean(L, lua_pushthread(L));
  return 2;
}

static const char *coroutine_state(lua_State *L, lua_State *co, rt_worker *w) {
  lua_Debug ar;
  if (co == L) return "running";
  switch (lua_status(co)) {
    case LUA_YIELD: return is_waiting(co, w) ? "normal" : "suspended";
    case LUA_OK:
      if (lua_getstack(co, 0, &ar)) return "normal"; /* it has resumed another coroutine */
      return lua_gettop(co) == 0 ? "dead" : "suspended";
    default: return "dead";
  }
}

/* string = coroutine.status(co) */
static int coroutine_status(lua_State *L) {
  lua_State *co = check_coroutine(L);
  lua_pushstring(L, coroutine_state(L, co, rt_self(L)));
  return 1;
}

/* true | false, error = coroutine.close(co) */
static int coroutine_close(lua_State *L) {
  rt_worker *w = rt_self(L);
  lua_State *co = check_coroutine(L);
  const char *now = coroutine_state(L, co, w);
  if (*now == 'r' || *now == 'n') return luaL_error(L, "cannot close a %s coroutine", now);
  int failure = close_pending(L, co, w);
  lua_pushboolean(L, failure == LUA_OK);
  if (failure == LUA_OK) return 1;
  lua_xmove(co, L, 1);
  return 2;
}

void rtL_open_coroutine(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"resume", coroutine_resume},
                                       {"wrap", coroutine_wrap},
                                       {"running", coroutine_running},
                                       {"isyieldable", coroutine_isyieldable},
                                       {"status", coroutine_status},
                                       {"close", coroutine_close},
                                       {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_pushboolean(L, 1);
  lua_pushcclosure(L, coroutine_yield, 2);
  lua_setfield(L, -2, "yield");
}
