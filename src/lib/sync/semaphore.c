/* lib/sync/semaphore.c - rt.semaphore: permits.
**
** acquire and release count, and nothing else: whoever likes may release.  Where permits
** belong to a piece of work, they come back with it: sem:with, or a permit that is closed or,
** at the latest, collected.
*/
#include "lib/operation.h"
#include "sync/semaphore.h"
#include "lib/shared.h"

#include <limits.h>

typedef struct permit {
  rt_semaphore *semaphore; /* held; NULL: it has been released, or was never got */
  int n;
} permit;

enum { SELF = 1, PERMIT };

static const rt_shared_kind kind = {"semaphore", rt_semaphore_free, RT_CLASS_SEMAPHORE};

static rt_semaphore *check_semaphore(lua_State *L, rt_worker *w) {
  return rt_semaphore_of(rtL_shared_check(L, w, RT_CLASS_SEMAPHORE, SELF)->shared);
}

static int check_number(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 1 && n <= INT_MAX, 2, "a number of permits from 1 to 2^31 - 1 expected");
  return (int)n;
}

/* semaphore = rt.semaphore(n) */
static int new_semaphore(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 0 && n <= RT_SEMAPHORE_MAX, 1,
                "a number of permits from 0 to 2^53 expected");
  rt_shared_ref *s = rtL_shared_new(L, rtL_self(L), RT_CLASS_SEMAPHORE);
  rt_semaphore *semaphore = rt_semaphore_new(&kind, n);
  rtL_shared_set(L, s, semaphore ? &semaphore->shared : NULL);
  return 1;
}

/* --- waiting for permits ------------------------------------------------------------------------------ */
/* Each operation is a function that goes on when it has its permits. */
typedef int (*got)(lua_State *L, rt_worker *w, rt_semaphore *s);

static int acquire(lua_State *L, rt_worker *w, int n, got then, lua_KFunction k) {
  rt_semaphore *s = check_semaphore(L, w);
  if (rt_semaphore_acquire(s, n, NULL)) return then(L, w, s);
  rtL_wait_prepare(L, w, w->running);
  rt_waiter *t = rtL_shared_draw(L, w);
  if (!rt_semaphore_acquire(s, n, t)) return rtL_shared_wait(L, w, t, RT_OP_ACQUIRE, k);
  rt_waiter_free(t);
  return then(L, w, s);
}

/* They have been handed to this task; not to one that is being cancelled. */
static void anchors(lua_State *L, rt_worker *w, rt_semaphore *s, int n) {
  if (rt_likely(!rt_cancel_from_other_thread(w))) return;
  rt_semaphore_release(s, n);
  rtL_cancel_takes_precedence(L, w);
}

static rt_semaphore *handed(lua_State *L, rt_worker *w, lua_KContext waiter) {
  rt_semaphore *s = check_semaphore(L, w);
  int n = ((const rt_waiter *)waiter)->want;
  rtL_shared_called(L, w, waiter, NULL);
  anchors(L, w, s, n);
  return s;
}

static int acquired(lua_State *L, rt_worker *w, rt_semaphore *s) {
  (void)w, (void)s;
  lua_pushboolean(L, 1);
  return 1;
}

static int acquire_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  return acquired(L, w, handed(L, w, waiter));
}

static int acquire_later(lua_State *L, int status, lua_KContext n) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return acquire(L, w, (int)n, acquired, acquire_k);
}

/* true = semaphore:acquire([n]) */
static int semaphore_acquire(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_semaphore(L, w);
  int n = check_number(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, acquire_later, n);
  return acquire(L, w, n, acquired, acquire_k);
}

/* boolean = semaphore:try_acquire([n]) */
static int semaphore_try_acquire(lua_State *L) {
  rt_semaphore *s = check_semaphore(L, rtL_self(L));
  lua_pushboolean(L, rt_semaphore_acquire(s, check_number(L), NULL));
  return 1;
}

/* --- for rt.select ------------------------------------------------------------------------------------ */
static rt_semaphore *semaphore_of(lua_State *L, int op, int *n) {
  const rt_shared_ref *s = rtL_operation_object(L, op);
  lua_getiuservalue(L, op, RT_OPERATION_ARGS);
  lua_rawgeti(L, -1, 1);
  *n = (int)lua_tointeger(L, -1);
  lua_pop(L, 2);
  return rt_semaphore_of(s->shared);
}

static int attempt_acquire(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  int n;
  rt_semaphore *s = semaphore_of(L, op, &n);
  (void)b;
  return rt_semaphore_acquire(s, n, NULL) ? acquired(L, w, s) : -1;
}

static bool arm_acquire(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  int n;
  rt_semaphore *s = semaphore_of(L, op, &n);
  (void)w;
  return rt_semaphore_await(s, n, b->waiter);
}

static int finish_acquire(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  int n;
  rt_semaphore *s = semaphore_of(L, op, &n);
  (void)b;
  anchors(L, w, s, n);
  return acquired(L, w, s);
}

static const rt_op_kind acquire_kind = {"acquire", true,        attempt_acquire,
                                        NULL,      arm_acquire, finish_acquire};

/* op = semaphore:acquire_op([n]) */
static int semaphore_acquire_op(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_semaphore(L, w);
  int n = check_number(L);
  lua_settop(L, 1);
  lua_pushinteger(L, n);
  return rtL_operation_new(L, w, &acquire_kind);
}

/* semaphore:release([n]) */
static int semaphore_release(lua_State *L) {
  rt_semaphore *s = check_semaphore(L, rtL_self(L));
  if (!rt_semaphore_release(s, check_number(L))) return luaL_error(L, "too many permits");
  return 0;
}

/* --- permits as objects --------------------------------------------------------------------------------- */
/* Made before there is one: from then on nothing may raise. */
static void push_permit(lua_State *L, rt_worker *w, int n) {
  permit *p = rtL_class_new(L, &w->classes, RT_CLASS_PERMIT, sizeof *p, 0);
  p->n = n;
}

static permit *check_permit(lua_State *L) {
  return rtL_class_check(L, &rtL_self(L)->classes, RT_CLASS_PERMIT, 1);
}

static void fill_permit(lua_State *L, rt_semaphore *s) {
  permit *p = lua_touserdata(L, PERMIT);
  rt_shared_hold(&s->shared);
  p->semaphore = s;
}

static bool give_back(permit *p) {
  rt_semaphore *s = p->semaphore;
  if (s == NULL) return false;
  p->semaphore = NULL;
  rt_semaphore_release(s, p->n);
  rt_shared_drop(&s->shared);
  return true;
}

/* permit:release() */
static int permit_release(lua_State *L) {
  if (!give_back(check_permit(L))) return luaL_error(L, "the permit has been released");
  return 0;
}

static int permit_close(lua_State *L) {
  give_back(check_permit(L));
  return 0;
}

static int permit_tostring(lua_State *L) {
  const permit *p = check_permit(L);
  lua_pushfstring(L, p->semaphore ? "rt.permit (%d)" : "rt.permit (released)", p->n);
  return 1;
}

static int permitted(lua_State *L, rt_worker *w, rt_semaphore *s) {
  (void)w;
  fill_permit(L, s);
  lua_settop(L, PERMIT);
  return 1;
}

static int permit_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  return permitted(L, w, handed(L, w, waiter));
}

static int permit_later(lua_State *L, int status, lua_KContext n) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return acquire(L, w, (int)n, permitted, permit_k);
}

/* permit = semaphore:permit([n]) */
static int semaphore_permit(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_semaphore(L, w);
  int n = check_number(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  lua_settop(L, SELF);
  push_permit(L, w, n);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, permit_later, n);
  return acquire(L, w, n, permitted, permit_k);
}

/* --- for the time of a call ------------------------------------------------------------------------------- */
static int called(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L) - PERMIT; /* the permit closes now */
}

/* Stack: the semaphore, the permit, the function, its arguments. */
static int call(lua_State *L, rt_worker *w, rt_semaphore *s) {
  (void)w;
  fill_permit(L, s);
  lua_toclose(L, PERMIT);
  lua_callk(L, lua_gettop(L) - PERMIT - 1, LUA_MULTRET, 0, called);
  return called(L, LUA_OK, 0);
}

static int with_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  return call(L, w, handed(L, w, waiter));
}

static int with_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return acquire(L, w, 1, call, with_k);
}

/* ... = semaphore:with(f, ...) */
static int semaphore_with(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_semaphore(L, w);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  push_permit(L, w, 1);
  lua_insert(L, PERMIT);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, with_later, 0);
  return acquire(L, w, 1, call, with_k);
}

/* --- the rest ----------------------------------------------------------------------------------------------- */
/* n = semaphore:available(), and # */
static int semaphore_available(lua_State *L) {
  int waiting;
  int64_t permits = rt_semaphore_permits(check_semaphore(L, rtL_self(L)), &waiting);
  lua_pushinteger(L, permits);
  return 1;
}

static int semaphore_tostring(lua_State *L) {
  int waiting;
  int64_t permits = rt_semaphore_permits(check_semaphore(L, rtL_self(L)), &waiting);
  lua_pushfstring(L, "rt.semaphore (%I available, %d waiting)", (LUAI_UACINT)permits, waiting);
  return 1;
}

void rtL_open_semaphore(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {
      {"__tostring", semaphore_tostring}, {"__len", semaphore_available}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"acquire", semaphore_acquire},       {"try_acquire", semaphore_try_acquire},
      {"acquire_op", semaphore_acquire_op}, {"release", semaphore_release},
      {"permit", semaphore_permit},         {"with", semaphore_with},
      {"available", semaphore_available},   {NULL, NULL}};
  static const luaL_Reg permit_meta[] = {{"__tostring", permit_tostring},
                                         {"__close", permit_close},
                                         {"__gc", permit_close},
                                         {NULL, NULL}};
  static const luaL_Reg permit_methods[] = {{"release", permit_release}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"semaphore", new_semaphore}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_SEMAPHORE, &(rt_class_def){meta, methods, NULL});
  rtL_worker_class(L, w, RT_CLASS_PERMIT, &(rt_class_def){permit_meta, permit_methods, NULL});
  rtL_set_functions(L, w, functions);
}
