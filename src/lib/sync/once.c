/* lib/sync/once.c - rt.once: the results of a function that is called once, by the first task.
**
** It is built on an rt_mutex. The task that gets the lock runs the function, and settles the mutex
** with the results, for all tasks that wait and all that come later. If the function raises, the
** mutex is unlocked, and the next task runs its own function.
*/
#include "lib/operation.h"
#include "sync/mutex.h"

enum { SELF = 1, RUN, FUNCTION };

/* One run of the function. Lua closes it when the function returns or raises. */
typedef struct run {
  const rt_shared_ref *mutex; /* the body of user value 1 */
  uint64_t serial;
} run;

static const rt_shared_kind once_kind = {"once", rt_mutex_free, RT_CLASS_ONCE, NULL};

static rt_mutex *check_once(lua_State *L, rt_worker *w) {
  return rt_mutex_of(rtL_shared_check(L, w, RT_CLASS_ONCE, SELF)->shared);
}

/* once = rt.once() */
static int new_once(lua_State *L) {
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_ONCE);
  rt_mutex *m = rt_mutex_new(&once_kind, NULL);
  rtL_shared_set(L, ref, m ? &m->shared : NULL);
  return 1;
}

static int push_settled(lua_State *L, rt_worker *w, rt_mutex *m) {
  return rtL_unpack(L, w, m->value);
}

/* --- running the function --------------------------------------------------------------------- */
static int run_close(lua_State *L) {
  const run *r = rt_class_test(L, &rt_self(L)->classes, RT_CLASS_RUN, 1);
  if (r == NULL) return rtL_class_refuse_close(L, RT_CLASS_RUN, 1);
  if (r->mutex->shared) rt_mutex_unlock_serial(rt_mutex_of(r->mutex->shared), r->serial);
  return 0;
}

static void push_run(lua_State *L, rt_worker *w, const rt_shared_ref *ref) {
  run *r = rtL_class_new(L, &w->classes, RT_CLASS_RUN, sizeof *r, 1);
  lua_pushvalue(L, SELF);
  lua_setiuservalue(L, -2, 1);
  r->mutex = ref;
}

static int once_run_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rt_self(L);
  rt_mutex *m = check_once(L, w);
  rt_message *results = rtL_pack(L, w, FUNCTION, RT_PACK_KEPT);
  rt_mutex_settle(m, results);
  return lua_gettop(L) - RUN;
}

/* Stack: the once, the run, the function, its arguments. The mutex has just been locked. */
static int run_once(lua_State *L, rt_mutex *m) {
  run *r = lua_touserdata(L, RUN);
  r->serial = m->serial;
  lua_toclose(L, RUN);
  lua_callk(L, lua_gettop(L) - FUNCTION, LUA_MULTRET, 0, once_run_ended);
  return once_run_ended(L, LUA_OK, 0);
}

/* --- getting the results ---------------------------------------------------------------------- */
static rt_mutex *once_of(const rt_branch *b) { return rt_mutex_of(rt_branch_shared(b)); }

static int once_get_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = once_of(b);
  if (rt_task_more(w->current.task) == NULL) return rtL_error_no_memory(L);
  switch (rt_mutex_lock(m, w->current.task)) {
    case RT_MUTEX_DONE: return run_once(L, m);
    case RT_MUTEX_SETTLED: return push_settled(L, w, m);
    default: return -1;
  }
}

static void once_get_prepare(lua_State *L, rt_worker *w, rt_branch *b) {
  int waiting;
  if (rt_mutex_inspect(once_of(b), &waiting) == (int64_t)w->current.task->id)
    luaL_error(L, "deadlock: the function that this once runs waits for itself");
}

static bool once_get_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_mutex_await(once_of(b), b->waiter);
}

static int once_get_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = once_of(b);
  if (b->answer == RT_MUTEX_SETTLED) return push_settled(L, w, m);
  rt_mutex_accept(m, w->current.task);
  return run_once(L, m);
}

static const rt_op_kind once_get_kind = {.name = "get",
                                         .waits_for = RT_OP_ONCE,
                                         .has_waiter = true,
                                         .attempt = once_get_attempt,
                                         .prepare = once_get_prepare,
                                         .arm = once_get_arm,
                                         .finish = once_get_finish};

/* ... = once:get(f, ...) */
static int once_get(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_ONCE, SELF);
  rt_mutex *m = rt_mutex_of(ref->shared);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  rtL_cancel_checkpoint(L, w);
  if (rt_mutex_is_settled(m)) return push_settled(L, w, m);
  luaL_checkstack(L, 4, NULL);
  push_run(L, w, ref);
  lua_insert(L, RUN);
  return rtL_operation_begin(L, w, &once_get_kind, ref, 0);
}

static int once_tostring(lua_State *L) {
  rt_mutex *m = check_once(L, rt_self(L));
  int waiting;
  int64_t holder = rt_mutex_inspect(m, &waiting);
  if (rt_mutex_is_settled(m))
    lua_pushliteral(L, "rt.once (done)");
  else if (holder == -1)
    lua_pushliteral(L, "rt.once (not done)");
  else
    lua_pushfstring(L, "rt.once (running, %d waiting)", waiting);
  return 1;
}

void rtL_open_once(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__tostring", once_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"get", once_get}, {NULL, NULL}};
  static const luaL_Reg run_meta[] = {{"__close", run_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"once", new_once}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_ONCE, &(rt_class_def){meta, methods, NULL});
  rtL_worker_class(L, w, RT_CLASS_RUN, &(rt_class_def){run_meta, NULL, NULL});
  rtL_set_functions(L, w, functions);
}
