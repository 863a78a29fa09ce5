/* lib/sync/mutex.c - rt.mutex: one task at a time, of whatever worker, and the value it guards.
**
** The lock belongs to the task that took it: until it is unlocked, until its guard is closed,
** or until the task has ended, however it ends.  That a guard is collected means nothing, so
** m:lock() … m:unlock() is as good as a guard.
*/
#include "sync/mutex.h"
#include "lib/operation.h"
#include "lib/shared.h"

typedef struct guard {
  rt_mutex *mutex; /* its object is the user value */
  uint64_t serial; /* of the locking; 0: not yet */
} guard;

enum { SELF = 1, GUARD, FUNCTION, VALUE }; /* the stack of m:with */

static const rt_shared_kind kind = {"mutex", rt_mutex_free, RT_CLASS_MUTEX};

static rt_mutex *check_mutex(lua_State *L, rt_worker *w) {
  return rt_mutex_of(rtL_shared_check(L, w, RT_CLASS_MUTEX, SELF)->shared);
}

static void check_more(lua_State *L, rt_task *t) {
  if (rt_unlikely(rt_task_more(t) == NULL)) rtL_no_memory(L);
}

/* The value at 'index', or NULL for nil. */
static rt_message *pack_value(lua_State *L, rt_worker *w, int index) {
  if (lua_isnoneornil(L, index)) return NULL;
  lua_pushvalue(L, index);
  rt_message *p = rtL_pack(L, w, lua_gettop(L), RT_PACK_KEPT);
  lua_pop(L, 1);
  return p;
}

/* Only who holds the mutex looks at it; but a module that is loaded for it may replace it. */
static void push_value(lua_State *L, rt_worker *w, rt_mutex *m) {
  if (m->value == NULL)
    lua_pushnil(L);
  else
    rtL_unpack_last(L, w, rt_message_hold(m->value));
}

/* mutex = rt.mutex([value]) */
static int new_mutex(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_shared_ref *s = rtL_shared_new(L, w, RT_CLASS_MUTEX);
  lua_insert(L, 1);
  rt_message *value = pack_value(L, w, 2);
  rt_mutex *m = rt_mutex_new(&kind, value);
  if (m == NULL && value) rt_message_drop(value);
  rtL_shared_set(L, s, m ? &m->shared : NULL);
  lua_settop(L, 1);
  return 1;
}

/* --- guards -------------------------------------------------------------------------------------- */
/* Made before the lock is taken: from then on nothing may raise.  The object of the mutex, on top
** of the stack -> its guard. */
static guard *make_guard(lua_State *L, rt_worker *w, rt_mutex *m) {
  guard *g = rtL_class_new(L, &w->classes, RT_CLASS_GUARD, sizeof *g, 1);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  g->mutex = m;
  return g;
}

static void push_guard(lua_State *L, rt_worker *w, rt_mutex *m) {
  lua_pushvalue(L, SELF);
  make_guard(L, w, m);
}

static guard *check_guard(lua_State *L, rt_worker *w) {
  return rtL_class_check(L, &w->classes, RT_CLASS_GUARD, 1);
}

/* … of a mutex that is still held */
static rt_mutex *check_held(lua_State *L, rt_worker *w) {
  const guard *g = check_guard(L, w);
  if (!rt_mutex_is_held(g->mutex, g->serial)) luaL_error(L, "the mutex has been unlocked");
  return g->mutex;
}

/* value = guard:get() */
static int guard_get(lua_State *L) {
  rt_worker *w = rtL_self(L);
  push_value(L, w, check_held(L, w));
  return 1;
}

/* guard:set(value) */
static int guard_set(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_mutex *m = check_held(L, w);
  luaL_checkany(L, 2);
  rt_message *value = pack_value(L, w, 2);
  rt_mutex_set(m, value);
  return 0;
}

/* guard:unlock() */
static int guard_unlock(lua_State *L) {
  const guard *g = check_guard(L, rtL_self(L));
  if (!rt_mutex_unlock_serial(g->mutex, g->serial)) luaL_error(L, "the mutex has been unlocked");
  return 0;
}

static int guard_close(lua_State *L) {
  const guard *g = check_guard(L, rtL_self(L));
  rt_mutex_unlock_serial(g->mutex, g->serial);
  return 0;
}

static int guard_tostring(lua_State *L) {
  const guard *g = check_guard(L, rtL_self(L));
  lua_pushfstring(L, "rt.guard (%s)",
                  rt_mutex_is_held(g->mutex, g->serial) ? "locked" : "unlocked");
  return 1;
}

/* --- locking --------------------------------------------------------------------------------------- */
static void check_not_mine(lua_State *L, rt_mutex_result answer) {
  if (rt_unlikely(answer == RT_MUTEX_ALREADY_HELD))
    luaL_error(L, "deadlock: this task holds the mutex already");
}

/* Its guard is at GUARD, and 'k' goes on when it is locked.  true: it is already. */
static bool lock_or_queue(lua_State *L, rt_worker *w, rt_mutex *m, rt_waiter **t) {
  rt_task *task = w->running;
  check_more(L, task);
  rt_mutex_result answer = rt_mutex_lock(m, task, NULL);
  if (rt_likely(answer == RT_MUTEX_DONE)) return true;
  check_not_mine(L, answer);
  rtL_wait_prepare(L, w, task);
  *t = rtL_shared_draw(L, w);
  if (rt_mutex_lock(m, task, *t) == RT_MUTEX_WAITS) return false;
  rt_waiter_free(*t);
  return true;
}

/* It has been handed to this task; not to one that is being cancelled. */
static void enter(lua_State *L, rt_worker *w, rt_mutex *m) {
  rt_mutex_accept(m, w->running);
  if (rt_likely(!rt_cancel_from_other_thread(w))) return;
  rt_mutex_unlock(m, w->running);
  rtL_cancel_takes_precedence(L, w);
}

static rt_mutex *locked(lua_State *L, rt_worker *w, lua_KContext waiter) {
  rt_mutex *m = check_mutex(L, w);
  rtL_shared_called(L, w, waiter, NULL);
  enter(L, w, m);
  return m;
}

/* Stack: the mutex, the guard -> … */
static int give_guard(lua_State *L, rt_mutex *m) {
  guard *g = lua_touserdata(L, GUARD);
  g->serial = m->serial;
  lua_settop(L, GUARD);
  return 1;
}

static int lock_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  return give_guard(L, locked(L, w, waiter));
}

static int do_lock(lua_State *L, rt_worker *w, rt_mutex *m) {
  rt_waiter *t;
  if (lock_or_queue(L, w, m, &t)) return give_guard(L, m);
  return rtL_shared_wait(L, w, t, RT_OP_LOCK, lock_k);
}

static int lock_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_lock(L, w, check_mutex(L, w));
}

/* guard = mutex:lock() */
static int mutex_lock(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_mutex *m = check_mutex(L, w);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  lua_settop(L, SELF);
  push_guard(L, w, m);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, lock_later, 0);
  return do_lock(L, w, m);
}

/* The running task, for what does not wait. */
static rt_task *running(lua_State *L, rt_worker *w) {
  if (w->running == NULL || w->stop.closed) rtL_cancel_look(L, w); /* raises */
  return w->running;
}

static bool try_lock(lua_State *L, rt_worker *w, rt_mutex *m) {
  rt_task *t = running(L, w);
  check_more(L, t);
  return rt_mutex_lock(m, t, NULL) == RT_MUTEX_DONE;
}

/* guard | false = mutex:try_lock() */
static int mutex_try_lock(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_mutex *m = check_mutex(L, w);
  lua_settop(L, SELF);
  push_guard(L, w, m);
  if (try_lock(L, w, m)) return give_guard(L, m);
  lua_pushboolean(L, 0);
  return 1;
}

/* mutex:unlock() */
static int mutex_unlock(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_mutex *m = check_mutex(L, w);
  if (w->running == NULL || !rt_mutex_unlock(m, w->running))
    return luaL_error(L, "this task does not hold the mutex");
  return 0;
}

/* --- for the time of a call ------------------------------------------------------------------------- */
/* The results of the function, the first of which is the new value.  The guard closes when
** this returns. */
static int ended(lua_State *L, int status, lua_KContext tried) {
  (void)status;
  if (lua_gettop(L) >= FUNCTION) {
    rt_worker *w = rtL_self(L);
    rt_mutex *m = check_mutex(L, w);
    const guard *g = lua_touserdata(L, GUARD);
    if (!rt_mutex_is_held(m, g->serial)) luaL_error(L, "the mutex has been unlocked");
    rt_message *value = pack_value(L, w, FUNCTION);
    rt_mutex_set(m, value);
    lua_remove(L, FUNCTION);
  }
  if (!tried) return lua_gettop(L) - GUARD;
  lua_pushboolean(L, 1);
  lua_insert(L, FUNCTION);
  return lua_gettop(L) - GUARD;
}

/* Stack: the mutex, the guard, the function, its arguments. */
static int call(lua_State *L, rt_worker *w, rt_mutex *m, lua_KContext tried) {
  guard *g = lua_touserdata(L, GUARD);
  g->serial = m->serial;
  lua_toclose(L, GUARD);
  push_value(L, w, m);
  lua_insert(L, VALUE);
  lua_callk(L, lua_gettop(L) - FUNCTION, LUA_MULTRET, tried, ended);
  return ended(L, LUA_OK, tried);
}

static int with_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  return call(L, w, locked(L, w, waiter), false);
}

static int do_with(lua_State *L, rt_worker *w, rt_mutex *m) {
  rt_waiter *t;
  if (lock_or_queue(L, w, m, &t)) return call(L, w, m, false);
  return rtL_shared_wait(L, w, t, RT_OP_LOCK, with_k);
}

static int with_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_with(L, w, check_mutex(L, w));
}

static rt_mutex *prepare_with(lua_State *L, rt_worker *w) {
  rt_mutex *m = check_mutex(L, w);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_checkstack(L, 4, NULL);
  push_guard(L, w, m);
  lua_insert(L, GUARD);
  return m;
}

/* ... = mutex:with(f, ...): f(value, ...) returns the new value (nothing: it stays) and these */
static int mutex_with(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_mutex *m = prepare_with(L, w);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, with_later, 0);
  return do_with(L, w, m);
}

/* true, ... | false = mutex:try_with(f, ...) */
static int mutex_try_with(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_mutex *m = prepare_with(L, w);
  if (try_lock(L, w, m)) return call(L, w, m, true);
  lua_pushboolean(L, 0);
  return 1;
}

/* --- for rt.select ------------------------------------------------------------------------------------ */
static rt_mutex *mutex_of(lua_State *L, int op) {
  const rt_shared_ref *s = rtL_operation_object(L, op);
  return rt_mutex_of(s->shared);
}

static guard *push_guard_of(lua_State *L, rt_worker *w, int op) {
  lua_getiuservalue(L, op, RT_OPERATION_OBJECT);
  return make_guard(L, w, mutex_of(L, op));
}

/* A glance: a guard for every attempt would be dear. */
static bool seems_free(lua_State *L, rt_mutex *m, const rt_task *task) {
  int waiting;
  int64_t holder = rt_mutex_inspect(m, &waiting);
  if (holder == (int64_t)task->id) check_not_mine(L, RT_MUTEX_ALREADY_HELD);
  return holder == -1;
}

static int attempt_lock(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_mutex *m = mutex_of(L, op);
  (void)b;
  check_more(L, w->running);
  if (!seems_free(L, m, w->running)) return -1;
  guard *g = push_guard_of(L, w, op);
  if (rt_mutex_lock(m, w->running, NULL) == RT_MUTEX_DONE) {
    g->serial = m->serial;
    return 1;
  }
  lua_pop(L, 1);
  return -1;
}

static void prepare_lock(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  push_guard_of(L, w, op);
  b->kept = lua_gettop(L);
}

static bool arm_lock(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w;
  return rt_mutex_await(mutex_of(L, op), b->waiter);
}

static int finish_lock(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_mutex *m = mutex_of(L, op);
  guard *g = lua_touserdata(L, b->kept);
  enter(L, w, m);
  g->serial = m->serial;
  lua_pushvalue(L, b->kept);
  return 1;
}

static const rt_op_kind lock_kind = {"lock",       true,     attempt_lock,
                                     prepare_lock, arm_lock, finish_lock};

/* op = mutex:lock_op() */
static int mutex_lock_op(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_mutex(L, w);
  lua_settop(L, SELF);
  return rtL_operation_new(L, w, &lock_kind);
}

/* --- the rest ----------------------------------------------------------------------------------------- */
static int mutex_tostring(lua_State *L) {
  int waiting;
  int64_t holder = rt_mutex_inspect(check_mutex(L, rtL_self(L)), &waiting);
  if (holder == 0)
    lua_pushfstring(L, "rt.mutex (locked by main, %d waiting)", waiting);
  else if (holder > 0)
    lua_pushfstring(L, "rt.mutex (locked by task %I, %d waiting)", (LUAI_UACINT)holder, waiting);
  else
    lua_pushstring(L, holder == -1 ? "rt.mutex (unlocked)" : "rt.mutex (locked)");
  return 1;
}

void rtL_open_mutex(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__tostring", mutex_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"with", mutex_with},
                                     {"try_with", mutex_try_with},
                                     {"lock", mutex_lock},
                                     {"try_lock", mutex_try_lock},
                                     {"unlock", mutex_unlock},
                                     {"lock_op", mutex_lock_op},
                                     {NULL, NULL}};
  static const luaL_Reg guard_meta[] = {
      {"__tostring", guard_tostring}, {"__close", guard_close}, {NULL, NULL}};
  static const luaL_Reg guard_methods[] = {
      {"get", guard_get}, {"set", guard_set}, {"unlock", guard_unlock}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"mutex", new_mutex}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_MUTEX, &(rt_class_def){meta, methods, NULL});
  rtL_worker_class(L, w, RT_CLASS_GUARD, &(rt_class_def){guard_meta, guard_methods, NULL});
  rtL_set_functions(L, w, functions);
}
