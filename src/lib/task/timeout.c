/* lib/task/timeout.c - functions that call a function in a cancel scope (rt.timeout, rt.within,
** rt.shield, rt.critical, internal.critical), or with an object that is closed afterwards
** (internal.with).
*/
#include "lib/lib.h"
#include "run/current.h"
#include "run/preempt.h"
#include "worker/traceback.h"

typedef enum scope_kind { TIMEOUT, SHIELD, CRITICAL, WITHIN } scope_kind;

/* Stack: the message handler; the results, or the error on top. 'context' has the serial number of
** the scope and its kind; a pointer to the scope would not do, since a coroutine that was resumed
** in between may have closed it. */
static int scope_ended(lua_State *L, int status, lua_KContext context) {
  rt_worker *w = rt_self(L);
  uint64_t serial = (uint64_t)context >> 2;
  scope_kind k = context & 3;
  bool has_deadline = k == TIMEOUT || k == WITHIN;
  rt_cancel_scope_close(w->current.task, serial);
  if (status == LUA_OK || status == LUA_YIELD) {
    if (k != WITHIN) return lua_gettop(L) - 1;
    lua_pushboolean(L, 1);
    lua_replace(L, 1); /* the message handler */
    return lua_gettop(L);
  }
  if (!has_deadline || !rt_cancelled_is_of(L, w, -1, serial))
    return rt_traceback_find(L, w, -1) ? rtL_traceback_raise(L, w) : lua_error(L);
  if (k == WITHIN)
    lua_pushboolean(L, 0);
  else
    lua_pushnil(L);
  lua_pushliteral(L, "timeout");
  return 2;
}

/* The main chunk runs this in a coroutine that was resumed by a function which rt does not know (a
** coroutine.resume from before rt was loaded), so current.co is another coroutine. During the call
** current.co is this one, so that the preemption signal sets the hook here when the deadline
** passes. */
static int run_in_unknown_coroutine(lua_State *L, rt_worker *w, lua_KContext context) {
  rt_current_outer outer = rt_current_enter(w, L);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
  rt_current_leave(w, outer);
  return scope_ended(L, status, context);
}

/* Stack: the function and its arguments. 'handler' is the message handler. */
static int run_in_scope(lua_State *L, rt_task *t, uint64_t due, scope_kind k,
                        lua_CFunction handler) {
  rt_worker *w = rt_self(L);
  rt_cancel_scope *scope = rt_cancel_scope_open(t, &w->driver, due, k == SHIELD);
  if (scope == NULL) return rtL_error_no_memory(L);
  scope->critical = k == CRITICAL;
  scope->serial = rt_worker_next_scope(w);
  scope->opener = L;
  lua_KContext context = (lua_KContext)(scope->serial << 2 | k);
  rt_preempt_need(w);
  lua_pushcfunction(L, handler);
  lua_insert(L, 1);
  if (rt_unlikely(t->is_main && L != w->current.co)) return run_in_unknown_coroutine(L, w, context);
  return scope_ended(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, context, scope_ended),
                     context);
}

static uint64_t due_after(rt_worker *w, uint64_t ns) {
  return ns == RT_FOREVER ? RT_NEVER : ns == 0 ? 0 : rt_driver_after(&w->driver, ns);
}

static int run_with_deadline(lua_State *L, scope_kind k) {
  rt_worker *w = rt_self(L);
  uint64_t ns = rtL_check_duration(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_remove(L, 1);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  return run_in_scope(L, t, due_after(w, ns), k, rtL_traceback_handler);
}

/* ... = rt.timeout(seconds, f, ...) */
static int timeout(lua_State *L) { return run_with_deadline(L, TIMEOUT); }

/* true, ... | false, "timeout" = rt.within(seconds, f, ...) */
static int within(lua_State *L) { return run_with_deadline(L, WITHIN); }

/* ... = rt.shield([seconds,] f, ...): no checkpoint, since a task that is cancelled may call it */
static int shield(lua_State *L) {
  rt_worker *w = rt_self(L);
  uint64_t ns = RT_FOREVER;
  if (lua_type(L, 1) == LUA_TNUMBER) {
    ns = rtL_check_duration(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_remove(L, 1);
  }
  luaL_checktype(L, 1, LUA_TFUNCTION);
  return run_in_scope(L, rtL_cancel_get_running(L, w), due_after(w, ns), SHIELD,
                      rtL_traceback_handler);
}

/* ... = rt.critical(f, ...) */
static int critical(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  return run_in_scope(L, rtL_cancel_get_running(L, w), RT_NEVER, CRITICAL, rtL_traceback_handler);
}

static int pass_on(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

/* ... = internal.critical(f, ...): as rt.critical, for functions of rt: of an error that goes
** through it, only the traceback with which it was raised again is kept. A traceback of these
** functions would tell nothing, and takes time: Lua searches package.loaded for each line of it. */
static int internal_critical(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  return run_in_scope(L, rtL_cancel_get_running(L, w), RT_NEVER, CRITICAL, pass_on);
}

/* --- internal.with ---------------------------------------------------------------------------- */
static int with_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L) - 1;
}

/* ... = internal.with(object, f, ...): calls f(object, ...), and closes the object however it
** ends */
static int with(lua_State *L) {
  lua_pushvalue(L, 1);
  lua_insert(L, 3); /* the object, f, the object, ... */
  lua_toclose(L, 1);
  lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, with_ended);
  return with_ended(L, LUA_OK, 0);
}

void rtL_open_timeout(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"timeout", timeout},
                                       {"within", within},
                                       {"shield", shield},
                                       {"critical", critical},
                                       {NULL, NULL}};
  static const luaL_Reg internal[] = {
      {"with", with}, {"critical", internal_critical}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
