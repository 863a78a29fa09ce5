/* lib/std/coroutine.c - coroutine.resume, wrap and friends that let a task wait inside a
** user's coroutine.
**
** A wait in a generator is a yield, which the generator's consumer would take for a
** value. So these functions look at each yield: one that is a wait is passed outward,
** to the worker, and the wake-up inward again; all else is as the originals do it. A
** coroutine that is suspended by a wait is its task's: to others it is "normal", and
** nobody else can resume or close it.
*/
#include "lib/lib.h"

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

/* Suspended by a wait: what stands on top of it is one of our functions, which are
** known by their worker. (coroutine.yield has none, or is not suspended by us.) Or it was
** switched by run/preempt.c: then it is a Lua function, which nothing else can suspend. */
static bool is_waiting(lua_State *co, rt_worker *w) {
  lua_Debug ar;
  if (lua_status(co) != LUA_YIELD || !lua_getstack(co, 0, &ar)) return false;
  if (!lua_checkstack(co, 2)) return false;
  lua_getinfo(co, "f", &ar);
  bool ours = !lua_iscfunction(co, -1);
  if (!ours && lua_getupvalue(co, -1, 1) != NULL) {
    ours = lua_touserdata(co, -1) == w && lua_islightuserdata(co, -1);
    lua_pop(co, 1);
  }
  if (ours && lua_iscfunction(co, -1) &&
      lua_getupvalue(co, -1, 2) != NULL) { /* coroutine.yield, of lib/std/coroutine.c */
    ours = !lua_isboolean(co, -1);
    lua_pop(co, 1);
  }
  lua_pop(co, 1);
  return ours;
}

/* --- resume ----------------------------------------------------------------------------------- */
typedef enum kind { RESUME, WRAP } kind;

static int resumed(lua_State *L, int status, lua_KContext kind);

/* Its <close> variables run on it, and cannot wait. */
static int close_pending(lua_State *L, lua_State *co, rt_worker *w) {
  lua_State *outer = w->cur;
  bool blocked = w->blocked;
  w->cur = co;
  w->blocked = true;
  int status = rt_reset(co, L);
  w->cur = outer;
  w->blocked = blocked;
  return status;
}

/* Stack: what the function was called with, below; the error on top. */
static int failed(lua_State *L, lua_State *co, kind k) {
  if (k == RESUME) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* it has failed: close what it left open */
    status = close_pending(L, co, rtL_self(L));
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

static int go(lua_State *L, lua_State *co, int args, kind k) {
  rt_worker *w = rtL_self(L);
  lua_State *outer = w->cur;
  bool blocked = w->blocked;
  int values;
  w->cur = co;
  if (L != outer || !lua_isyieldable(L)) w->blocked = true;
  int status = lua_resume(co, L, args, &values);
  w->cur = outer;
  w->blocked = blocked;
  if (status == LUA_YIELD && w->suspending) return lua_yieldk(L, 0, k, resumed);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return failed(L, co, k);
  }
  if (!lua_checkstack(L, values + 1)) {
    lua_pop(co, values);
    lua_pushliteral(L, "too many results to resume");
    return failed(L, co, k);
  }
  if (k == RESUME) lua_pushboolean(L, 1);
  lua_xmove(co, L, values);
  return values + (k == RESUME);
}

static lua_State *coroutine_of(lua_State *L, kind k) {
  return lua_tothread(L, k == RESUME ? 1 : lua_upvalueindex(2));
}

/* The wait is over: back to the innermost. */
static int resumed(lua_State *L, int status, lua_KContext k) {
  (void)status;
  return go(L, coroutine_of(L, (kind)k), 0, (kind)k);
}

static int begin(lua_State *L, lua_State *co, int args, kind k) {
  if (rt_unlikely(is_waiting(co, rtL_self(L)))) {
    lua_pushliteral(L, "cannot resume non-suspended coroutine");
    return failed(L, co, k);
  }
  if (rt_unlikely(!lua_checkstack(co, args))) {
    lua_pushliteral(L, "too many arguments to resume");
    return failed(L, co, k);
  }
  lua_xmove(L, co, args);
  return go(L, co, args, k);
}

/* true, ... = coroutine.resume(co, ...) */
static int resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  return begin(L, co, lua_gettop(L) - 1, RESUME);
}

static int wrapped(lua_State *L) { return begin(L, coroutine_of(L, WRAP), lua_gettop(L), WRAP); }

/* f = coroutine.wrap(f) */
static int wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, wrapped, 2);
  return 1;
}

/* --- the rest --------------------------------------------------------------------------------- */
/* Does the code on L run at the bottom of a task, where a yield has nobody to go to? */
static bool is_task_itself(lua_State *L, rt_worker *w) {
  return w->running != NULL && !w->running->is_main && w->running->co == L;
}

static void refuse_to_leave(lua_State *L, rt_worker *w) {
  const rt_cancel_scope *f = w->running->more->cancel_scopes;
  const char *what = f->critical ? "critical section"
                     : f->shield ? "shield"
                     : f->waiter ? "scope"
                                 : "timeout";
  luaL_error(L, "attempt to yield out of a %s: it is this task's, and goes on", what);
}

/* ... = coroutine.yield(...)   upvalue 2 is a boolean: see is_waiting */
static int yield(lua_State *L) {
  rt_worker *w = rtL_self(L);
  if (rt_unlikely(is_task_itself(L, w)))
    return luaL_error(L, "attempt to yield from outside a coroutine (in a task, use rt.yield)");
  if (rt_unlikely(w->running != NULL && rt_cancel_scope_is_of(w->running, L)))
    refuse_to_leave(L, w);
  return lua_yield(L, lua_gettop(L));
}

/* boolean = coroutine.isyieldable([co]) */
static int isyieldable(lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : check_coroutine(L);
  lua_pushboolean(L, lua_isyieldable(co) && !is_task_itself(co, rtL_self(L)));
  return 1;
}

/* co, ismain = coroutine.running() */
static int running(lua_State *L) {
  rt_worker *w = rtL_self(L);
  if (is_task_itself(L, w)) w->running->is_exposed = 1;
  lua_pushboolean(L, lua_pushthread(L));
  return 2;
}

static const char *status_of(lua_State *L, lua_State *co, rt_worker *w) {
  lua_Debug ar;
  if (co == L) return "running";
  switch (lua_status(co)) {
    case LUA_YIELD: return is_waiting(co, w) ? "normal" : "suspended";
    case LUA_OK:
      if (lua_getstack(co, 0, &ar)) return "normal"; /* it resumed another */
      return lua_gettop(co) == 0 ? "dead" : "suspended";
    default: return "dead";
  }
}

/* string = coroutine.status(co) */
static int status(lua_State *L) {
  lua_State *co = check_coroutine(L);
  lua_pushstring(L, status_of(L, co, rtL_self(L)));
  return 1;
}

/* true | false, error = coroutine.close(co) */
static int do_close(lua_State *L) {
  rt_worker *w = rtL_self(L);
  lua_State *co = check_coroutine(L);
  const char *now = status_of(L, co, w);
  if (*now == 'r' || *now == 'n') return luaL_error(L, "cannot close a %s coroutine", now);
  int failure = close_pending(L, co, w);
  lua_pushboolean(L, failure == LUA_OK);
  if (failure == LUA_OK) return 1;
  lua_xmove(co, L, 1);
  return 2;
}

void rtL_open_coroutine(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {
      {"resume", resume}, {"wrap", wrap},      {"running", running}, {"isyieldable", isyieldable},
      {"status", status}, {"close", do_close}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  lua_pushlightuserdata(L, w);
  lua_pushboolean(L, 1);
  lua_pushcclosure(L, yield, 2);
  lua_setfield(L, -2, "yield");
}
