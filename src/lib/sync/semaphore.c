/* lib/sync/semaphore.c - rt.semaphore: permits that tasks of any workers acquire and release.
**
** acquire and release only count: any task may release. Permits that belong to a piece of work are
** released with it, by semaphore:with, or by an rt.permit, when it is closed or collected as
** garbage.
*/
#include "lib/operation.h"
#include "sync/semaphore.h"

#include <limits.h>
#include <math.h>

typedef struct permit {
  rt_semaphore *semaphore; /* a reference; NULL: released, or not acquired yet */
  int n;
} permit;

enum { SELF = 1, PERMIT };

static const rt_shared_kind semaphore_kind = {"semaphore", rt_semaphore_free, RT_CLASS_SEMAPHORE,
                                              NULL};

static rt_semaphore *check_semaphore(lua_State *L, rt_worker *w) {
  return rt_semaphore_of(rtL_shared_check(L, w, RT_CLASS_SEMAPHORE, SELF)->shared);
}

static int check_number(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 1 && n <= INT_MAX, 2, "a number of permits from 1 to 2^31 - 1 expected");
  return (int)n;
}

/* The argument 'size' of rt.semaphore. Without it, a semaphore of n permits never has more; one
** that begins with none has no size, since it counts what happens. */
static int64_t check_size(lua_State *L, int64_t n) {
  if (lua_isnoneornil(L, 2)) return n > 0 ? n : RT_SEMAPHORE_MAX;
  if (lua_type(L, 2) == LUA_TNUMBER && lua_tonumber(L, 2) == HUGE_VAL) return RT_SEMAPHORE_MAX;
  lua_Integer size = luaL_checkinteger(L, 2);
  luaL_argcheck(L, size >= 1 && size >= n && size <= RT_SEMAPHORE_MAX, 2,
                "a size of at least 1, and at least that number of permits, expected");
  return size;
}

/* semaphore = rt.semaphore(n [, size]) */
static int new_semaphore(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 0 && n <= RT_SEMAPHORE_MAX, 1,
                "a number of permits from 0 to 2^53 expected");
  int64_t size = check_size(L, n);
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_SEMAPHORE);
  rt_semaphore *semaphore = rt_semaphore_new(&semaphore_kind, n, size);
  rtL_shared_set(L, ref, semaphore ? &semaphore->shared : NULL);
  return 1;
}

/* --- waiting for permits ---------------------------------------------------------------------- */
static rt_semaphore *semaphore_of(const rt_branch *b) {
  return rt_semaphore_of(rt_branch_shared(b));
}

static bool take_permits(const rt_branch *b) {
  return rt_semaphore_acquire(semaphore_of(b), (int)b->number);
}

static bool semaphore_acquire_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_semaphore_await(semaphore_of(b), (int)b->number, b->waiter);
}

/* The permits were handed to this task. If another thread has cancelled the task, they are
** released. */
static void accept_permits(lua_State *L, rt_worker *w, const rt_branch *b) {
  if (rt_likely(!rt_cancel_from_other_thread(w))) return;
  rt_semaphore_release(semaphore_of(b), (int64_t)b->number);
  rtL_cancel_takes_precedence(L, w);
}

static int push_acquired(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

static int semaphore_acquire_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  return take_permits(b) ? push_acquired(L) : -1;
}

static int semaphore_acquire_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  accept_permits(L, w, b);
  return push_acquired(L);
}

static uint64_t semaphore_acquire_number(lua_State *L) { return (uint64_t)check_number(L); }

static const rt_op_kind semaphore_acquire_kind = {.name = "acquire",
                                                  .waits_for = RT_OP_ACQUIRE,
                                                  .has_waiter = true,
                                                  .attempt = semaphore_acquire_attempt,
                                                  .arm = semaphore_acquire_arm,
                                                  .finish = semaphore_acquire_finish,
                                                  .number = semaphore_acquire_number};

/* true = semaphore:acquire([n]) */
static int semaphore_acquire(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_SEMAPHORE, SELF);
  return rtL_operation_run(L, w, &semaphore_acquire_kind, ref, semaphore_acquire_number(L));
}

/* op = semaphore:acquire_op([n]) */
static int semaphore_acquire_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  check_semaphore(L, w);
  uint64_t n = semaphore_acquire_number(L);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &semaphore_acquire_kind, n);
}

/* true | nil, "no permits" = semaphore:try_acquire([n]) */
static int semaphore_try_acquire(lua_State *L) {
  rt_semaphore *s = check_semaphore(L, rt_self(L));
  bool acquired = rt_semaphore_acquire(s, check_number(L));
  return acquired ? push_acquired(L) : rtL_shared_refuse(L, "no permits");
}

/* semaphore:release([n]) */
static int semaphore_release(lua_State *L) {
  rt_semaphore *s = check_semaphore(L, rt_self(L));
  if (!rt_semaphore_release(s, check_number(L)))
    return luaL_error(L, "too many permits: the semaphore has %I at most", (LUAI_UACINT)s->size);
  return 0;
}

/* --- permits as objects ----------------------------------------------------------------------- */
/* Made before its permits are acquired, since making it may raise. */
static void push_permit(lua_State *L, rt_worker *w, int n) {
  permit *p = rtL_class_new(L, &w->classes, RT_CLASS_PERMIT, sizeof *p, 0);
  p->n = n;
}

static permit *check_permit(lua_State *L) {
  return rtL_class_check(L, &rt_self(L)->classes, RT_CLASS_PERMIT, 1);
}

static void fill_permit(lua_State *L, rt_semaphore *s) {
  permit *p = lua_touserdata(L, PERMIT);
  rt_shared_hold(&s->shared);
  p->semaphore = s;
}

static bool release_permit(permit *p) {
  rt_semaphore *s = p->semaphore;
  if (s == NULL) return false;
  p->semaphore = NULL;
  rt_semaphore_release(s, p->n);
  rt_shared_drop(&s->shared);
  return true;
}

/* permit:release() */
static int permit_release(lua_State *L) {
  if (!release_permit(check_permit(L))) return luaL_error(L, "the permit has been released");
  return 0;
}

/* __close and __gc */
static int permit_close(lua_State *L) {
  permit *p = rt_class_test(L, &rt_self(L)->classes, RT_CLASS_PERMIT, 1);
  if (p == NULL) return rtL_class_refuse_close(L, RT_CLASS_PERMIT, 1);
  release_permit(p);
  return 0;
}

static int permit_tostring(lua_State *L) {
  const permit *p = check_permit(L);
  lua_pushfstring(L, p->semaphore ? "rt.permit (%d)" : "rt.permit (released)", p->n);
  return 1;
}

static uint64_t semaphore_permit_number(lua_State *L) {
  return (uint64_t)((const permit *)lua_touserdata(L, PERMIT))->n;
}

static int push_filled_permit(lua_State *L, const rt_branch *b) {
  fill_permit(L, semaphore_of(b));
  lua_settop(L, PERMIT);
  return 1;
}

static int semaphore_permit_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  return take_permits(b) ? push_filled_permit(L, b) : -1;
}

static int semaphore_permit_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  accept_permits(L, w, b);
  return push_filled_permit(L, b);
}

static const rt_op_kind semaphore_permit_kind = {.name = "permit",
                                                 .waits_for = RT_OP_ACQUIRE,
                                                 .has_waiter = true,
                                                 .attempt = semaphore_permit_attempt,
                                                 .arm = semaphore_acquire_arm,
                                                 .finish = semaphore_permit_finish,
                                                 .number = semaphore_permit_number};

/* permit = semaphore:permit([n]) */
static int semaphore_permit(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_SEMAPHORE, SELF);
  int n = check_number(L);
  lua_settop(L, SELF);
  push_permit(L, w, n);
  return rtL_operation_run(L, w, &semaphore_permit_kind, ref, (uint64_t)n);
}

/* --- semaphore:with --------------------------------------------------------------------------- */
static int semaphore_with_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L) - PERMIT; /* (then Lua closes the permit) */
}

/* Stack: the semaphore, the permit, the function, its arguments. The permit has just been
** acquired. */
static int call_with_permit(lua_State *L, const rt_branch *b) {
  fill_permit(L, semaphore_of(b));
  lua_toclose(L, PERMIT);
  lua_callk(L, lua_gettop(L) - PERMIT - 1, LUA_MULTRET, 0, semaphore_with_ended);
  return semaphore_with_ended(L, LUA_OK, 0);
}

static int semaphore_with_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  return take_permits(b) ? call_with_permit(L, b) : -1;
}

static int semaphore_with_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  accept_permits(L, w, b);
  return call_with_permit(L, b);
}

static const rt_op_kind semaphore_with_kind = {.name = "with",
                                               .waits_for = RT_OP_ACQUIRE,
                                               .has_waiter = true,
                                               .attempt = semaphore_with_attempt,
                                               .arm = semaphore_acquire_arm,
                                               .finish = semaphore_with_finish,
                                               .number = semaphore_permit_number};

/* ... = semaphore:with(f, ...) */
static int semaphore_with(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_SEMAPHORE, SELF);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  push_permit(L, w, 1);
  lua_insert(L, PERMIT);
  return rtL_operation_run(L, w, &semaphore_with_kind, ref, 1);
}

/* --- the rest --------------------------------------------------------------------------------- */
/* n = semaphore:available(), and #semaphore */
static int semaphore_available(lua_State *L) {
  int waiting;
  int64_t permits = rt_semaphore_permits(check_semaphore(L, rt_self(L)), &waiting);
  lua_pushinteger(L, permits);
  return 1;
}

static int semaphore_tostring(lua_State *L) {
  int waiting;
  int64_t permits = rt_semaphore_permits(check_semaphore(L, rt_self(L)), &waiting);
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
