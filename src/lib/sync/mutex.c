/* lib/sync/mutex.c - rt.mutex: a lock for tasks of any workers, and the value that it guards.
**
** A task holds the lock until it unlocks it, until the guard is closed or collected as garbage, or
** until the task ends.
*/
#include "lib/operation.h"
#include "lib/sync/guards.h"

typedef struct guard {
  const rt_shared_ref *mutex; /* the body of user value 1 (finalized: shared is NULL) */
  uint64_t serial;            /* the number of the locking; 0: not locked yet */
  rt_guard_slot *slot;        /* NULL: of mutex:with and mutex:update, which unlock; or it has none
                              ** any more */
  uint32_t turn;              /* of the slot: it is another guard's if that has changed */
} guard;

/* The stack of mutex:with and mutex:update. While the function runs, the value is at the index
** where the function was, and the results come above it. */
enum { SELF = 1, GUARD, FUNCTION, VALUE = FUNCTION, RESULTS };

static const rt_shared_kind mutex_kind = {"mutex", rt_mutex_free, RT_CLASS_MUTEX,
                                          &rt_mutex_content};

static rt_mutex *check_mutex(lua_State *L, rt_worker *w) {
  return rt_mutex_of(rtL_shared_check(L, w, RT_CLASS_MUTEX, SELF)->shared);
}

static void check_task_more(lua_State *L, rt_task *t) {
  if (rt_unlikely(rt_task_more(t) == NULL)) rtL_error_no_memory(L);
}

/* The value at 'index' as a message; NULL for nil. */
static rt_message *pack_guarded_value(lua_State *L, rt_worker *w, int index) {
  if (lua_isnoneornil(L, index)) return NULL;
  lua_pushvalue(L, index);
  rt_message *message = rtL_pack(L, w, lua_gettop(L), RT_PACK_KEPT);
  lua_pop(L, 1);
  return message;
}

/* Called by the task that holds the mutex. It takes a reference, since unpacking may load a module
** whose code sets another value. */
static void push_guarded_value(lua_State *L, rt_worker *w, rt_mutex *m) {
  if (m->value == NULL)
    lua_pushnil(L);
  else
    rtL_unpack_last(L, w, rt_message_hold(m->value));
}

/* mutex = rt.mutex([value]) */
static int new_mutex(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_new(L, w, RT_CLASS_MUTEX);
  lua_insert(L, 1);
  rt_message *value = pack_guarded_value(L, w, 2);
  rt_mutex *m = rt_mutex_new(&mutex_kind, value);
  if (m == NULL && value) rt_message_drop(value);
  rtL_shared_set(L, ref, m ? &m->shared : NULL);
  lua_settop(L, 1);
  return 1;
}

/* --- guards ----------------------------------------------------------------------------------- */
/* Pushes a guard of the mutex, whose userdata is at index 'self'. The guard is made before the
** mutex is locked, since making it may raise. */
static guard *push_guard(lua_State *L, rt_worker *w, const rt_shared_ref *ref, int self) {
  guard *g = rtL_class_new(L, &w->classes, RT_CLASS_GUARD, sizeof *g, 1);
  lua_pushvalue(L, self);
  lua_setiuservalue(L, -2, 1);
  g->mutex = ref;
  return g;
}

/* The same for a guard that a program gets, and may forget. */
static guard *push_watched_guard(lua_State *L, rt_worker *w, const rt_shared_ref *ref, int self) {
  guard *g = push_guard(L, w, ref, self);
  g->slot = rtL_guards_add(L, w);
  g->turn = g->slot->turn;
  return g;
}

/* The task has locked the mutex, and has the guard. */
static void set_locked(guard *g, rt_mutex *m) {
  g->serial = m->serial;
  rt_mutex_set_guard(m, g->slot);
}

static guard *check_guard(lua_State *L, rt_worker *w) {
  return rtL_class_check(L, &w->classes, RT_CLASS_GUARD, 1);
}

/* In a finalizer the mutex may have been finalized before its guard. */
static bool is_held(const guard *g) {
  return g->mutex->shared && rt_mutex_is_held(rt_mutex_of(g->mutex->shared), g->serial);
}

/* The guard cannot be forgotten any more: it has unlocked, or has never locked. */
static void release_slot(rt_worker *w, guard *g) {
  if (g->slot) rt_guards_remove(w, g->slot, g->turn);
  g->slot = NULL;
}

static bool unlock_by_guard(rt_worker *w, guard *g) {
  bool held = g->mutex->shared && rt_mutex_unlock_serial(rt_mutex_of(g->mutex->shared), g->serial);
  release_slot(w, g);
  return held;
}

/* The mutex of the guard at index 1, which must be locked. */
static rt_mutex *check_held(lua_State *L, rt_worker *w) {
  const guard *g = check_guard(L, w);
  if (!is_held(g)) luaL_error(L, "the mutex has been unlocked");
  return rt_mutex_of(g->mutex->shared);
}

/* value = guard:get() */
static int guard_get(lua_State *L) {
  rt_worker *w = rt_self(L);
  push_guarded_value(L, w, check_held(L, w));
  return 1;
}

/* guard:set(value) */
static int guard_set(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_mutex *m = check_held(L, w);
  luaL_checkany(L, 2);
  rt_message *value = pack_guarded_value(L, w, 2);
  rt_mutex_set(m, value);
  return 0;
}

/* guard:unlock() */
static int guard_unlock(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (!unlock_by_guard(w, check_guard(L, w))) luaL_error(L, "the mutex has been unlocked");
  return 0;
}

/* __close */
static int guard_close(lua_State *L) {
  rt_worker *w = rt_self(L);
  guard *g = rt_class_test(L, &w->classes, RT_CLASS_GUARD, 1);
  if (g == NULL) return rtL_class_refuse_close(L, RT_CLASS_GUARD, 1);
  unlock_by_guard(w, g);
  return 0;
}

static int guard_tostring(lua_State *L) {
  const guard *g = check_guard(L, rt_self(L));
  lua_pushfstring(L, "rt.guard (%s)", is_held(g) ? "locked" : "unlocked");
  return 1;
}

/* --- locking ---------------------------------------------------------------------------------- */
static rt_mutex *mutex_of(const rt_branch *b) { return rt_mutex_of(rt_branch_shared(b)); }

static void check_not_mine(lua_State *L, bool mine) {
  if (rt_unlikely(mine)) luaL_error(L, "deadlock: this task holds the mutex already");
}

static bool try_lock_or_raise(lua_State *L, rt_worker *w, rt_mutex *m) {
  check_task_more(L, w->current.task);
  rt_mutex_result answer = rt_mutex_lock(m, w->current.task);
  check_not_mine(L, answer == RT_MUTEX_ALREADY_HELD);
  return answer == RT_MUTEX_DONE;
}

/* The mutex was handed to this task. If another thread has cancelled the task, the mutex is
** unlocked again. */
static void accept_lock(lua_State *L, rt_worker *w, rt_mutex *m) {
  rt_mutex_accept(m, w->current.task);
  if (rt_likely(!rt_cancel_from_other_thread(w))) return;
  rt_mutex_unlock(m, w->current.task);
  rtL_cancel_takes_precedence(L, w);
}

/* The stack index of the guard that was made before; 0: there is none yet. */
static int guard_index(const rt_branch *b) { return b->op == 0 ? GUARD : b->kept; }

static guard *push_guard_of(lua_State *L, rt_worker *w, const rt_branch *b) {
  int at = guard_index(b);
  if (at == 0) {
    lua_getiuservalue(L, b->op, RT_OPERATION_OBJECT);
    guard *g = push_watched_guard(L, w, b->object, lua_gettop(L));
    lua_remove(L, -2);
    return g;
  }
  lua_pushvalue(L, at);
  return lua_touserdata(L, at);
}

/* For a select, which would make a new guard for each attempt: is an attempt worth it? */
static bool seems_free(lua_State *L, rt_worker *w, rt_mutex *m) {
  int waiting;
  check_task_more(L, w->current.task);
  int64_t holder = rt_mutex_inspect(m, &waiting);
  check_not_mine(L, holder == (int64_t)w->current.task->id);
  return holder == -1;
}

static int mutex_lock_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = mutex_of(b);
  if (guard_index(b) == 0 && !seems_free(L, w, m)) return -1;
  guard *g = push_guard_of(L, w, b);
  if (try_lock_or_raise(L, w, m)) {
    set_locked(g, m);
    return 1;
  }
  lua_pop(L, 1);
  return -1;
}

static void mutex_lock_prepare(lua_State *L, rt_worker *w, rt_branch *b) {
  if (guard_index(b) != 0) return;
  push_guard_of(L, w, b);
  b->kept = lua_gettop(L);
}

static bool mutex_lock_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_mutex_await(mutex_of(b), b->waiter);
}

static int mutex_lock_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = mutex_of(b);
  accept_lock(L, w, m);
  set_locked(push_guard_of(L, w, b), m);
  return 1;
}

static const rt_op_kind mutex_lock_kind = {.name = "lock",
                                           .waits_for = RT_OP_LOCK,
                                           .has_waiter = true,
                                           .attempt = mutex_lock_attempt,
                                           .prepare = mutex_lock_prepare,
                                           .arm = mutex_lock_arm,
                                           .finish = mutex_lock_finish};

/* guard = mutex:lock(). As rtL_operation_run, with a first attempt that returns the guard which is
** on top anyway. */
static int mutex_lock(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_MUTEX, SELF);
  lua_settop(L, SELF);
  guard *g = push_watched_guard(L, w, ref, SELF);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_wait_must_yield(L, w, t)) return rtL_operation_yield(L, w, &mutex_lock_kind, ref);
  rt_mutex *m = rt_mutex_of(ref->shared);
  if (!try_lock_or_raise(L, w, m)) return rtL_operation_wait(L, w, &mutex_lock_kind, ref, 0);
  set_locked(g, m);
  return 1;
}

/* op = mutex:lock_op() */
static int mutex_lock_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  check_mutex(L, w);
  lua_settop(L, SELF);
  return rtL_operation_new(L, w, &mutex_lock_kind, 0);
}

/* For the methods that do not wait, and so are no checkpoint. */
static bool try_lock(lua_State *L, rt_worker *w, rt_mutex *m) {
  rt_task *t = rtL_cancel_get_running(L, w);
  check_task_more(L, t);
  return rt_mutex_lock(m, t) == RT_MUTEX_DONE;
}

/* guard | nil, "locked" = mutex:try_lock() */
static int mutex_try_lock(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_MUTEX, SELF);
  rt_mutex *m = rt_mutex_of(ref->shared);
  lua_settop(L, SELF);
  guard *g = push_watched_guard(L, w, ref, SELF);
  if (!try_lock(L, w, m)) {
    release_slot(w, g);
    return rtL_shared_refuse(L, "locked");
  }
  set_locked(g, m);
  return 1;
}

/* mutex:unlock() */
static int mutex_unlock(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_mutex *m = check_mutex(L, w);
  if (w->current.task == NULL || !rt_mutex_unlock(m, w->current.task))
    return luaL_error(L, "this task does not hold the mutex");
  return 0;
}

/* --- mutex:with, mutex:update ----------------------------------------------------------------- */
/* How the function is called: bits of the context of its continuation. */
enum { TRY = 1, UPDATE = 2 };

/* The index of the new value; 0: the value cannot have changed, since the function got a copy that
** it could only replace. Raises if the function of mutex:update has returned nothing: most likely
** that is a mistake, and the value would stay in silence. */
static int new_value(lua_State *L, lua_KContext how) {
  if (how & UPDATE) {
    if (lua_gettop(L) < RESULTS) luaL_error(L, "the function returned no new value");
    return RESULTS;
  }
  int type = lua_type(L, VALUE);
  return type == LUA_TTABLE || type == LUA_TFUNCTION ? VALUE : 0;
}

/* Stack: the mutex, the guard, the value, the results of the function. Lua closes the guard, and so
** unlocks, when this returns or raises. */
static int mutex_call_ended(lua_State *L, int status, lua_KContext how) {
  (void)status;
  rt_worker *w = rt_self(L);
  rt_mutex *m = check_mutex(L, w);
  const guard *g = lua_touserdata(L, GUARD);
  if (!rt_mutex_is_held(m, g->serial)) luaL_error(L, "the mutex has been unlocked");
  int at = new_value(L, how);
  if (at != 0) {
    rt_message *value = pack_guarded_value(L, w, at);
    rt_mutex_set(m, value);
  }
  if (how & TRY) {
    lua_pushboolean(L, 1);
    lua_replace(L, VALUE);
  }
  return lua_gettop(L) - (how & TRY ? GUARD : VALUE);
}

/* Stack: the mutex, the guard, the function, its arguments. The mutex has just been locked. */
static int call_with_value(lua_State *L, rt_worker *w, rt_mutex *m, lua_KContext how) {
  guard *g = lua_touserdata(L, GUARD);
  g->serial = m->serial;
  lua_toclose(L, GUARD);
  push_guarded_value(L, w, m);
  lua_pushvalue(L, -1);
  lua_insert(L, VALUE);
  lua_insert(L, RESULTS + 1);
  lua_callk(L, lua_gettop(L) - RESULTS, LUA_MULTRET, how, mutex_call_ended);
  return mutex_call_ended(L, LUA_OK, how);
}

static int mutex_with_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = mutex_of(b);
  return try_lock_or_raise(L, w, m) ? call_with_value(L, w, m, 0) : -1;
}

static int mutex_with_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = mutex_of(b);
  accept_lock(L, w, m);
  return call_with_value(L, w, m, 0);
}

static const rt_op_kind mutex_with_kind = {.name = "with",
                                           .waits_for = RT_OP_LOCK,
                                           .has_waiter = true,
                                           .attempt = mutex_with_attempt,
                                           .arm = mutex_lock_arm,
                                           .finish = mutex_with_finish};

static int mutex_update_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = mutex_of(b);
  return try_lock_or_raise(L, w, m) ? call_with_value(L, w, m, UPDATE) : -1;
}

static int mutex_update_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_mutex *m = mutex_of(b);
  accept_lock(L, w, m);
  return call_with_value(L, w, m, UPDATE);
}

static const rt_op_kind mutex_update_kind = {.name = "update",
                                             .waits_for = RT_OP_LOCK,
                                             .has_waiter = true,
                                             .attempt = mutex_update_attempt,
                                             .arm = mutex_lock_arm,
                                             .finish = mutex_update_finish};

/* Stack: the mutex, the function, its arguments -> the same, with the guard below the function */
static rt_shared_ref *check_call(lua_State *L, rt_worker *w) {
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_MUTEX, SELF);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_checkstack(L, 4, NULL);
  push_guard(L, w, ref, SELF);
  lua_insert(L, GUARD);
  return ref;
}

/* ... = mutex:with(f, ...): returns what f(value, ...) returns. What the value is then, it stays,
** for the next task. */
static int mutex_with(lua_State *L) {
  rt_worker *w = rt_self(L);
  return rtL_operation_run(L, w, &mutex_with_kind, check_call(L, w), 0);
}

/* ... = mutex:update(f, ...): the same, but the first result is the new value. */
static int mutex_update(lua_State *L) {
  rt_worker *w = rt_self(L);
  return rtL_operation_run(L, w, &mutex_update_kind, check_call(L, w), 0);
}

static int try_call(lua_State *L, lua_KContext how) {
  rt_worker *w = rt_self(L);
  rt_mutex *m = rt_mutex_of(check_call(L, w)->shared);
  if (!try_lock(L, w, m)) return rtL_shared_refuse(L, "locked");
  return call_with_value(L, w, m, how | TRY);
}

/* true, ... | nil, "locked" = mutex:try_with(f, ...) */
static int mutex_try_with(lua_State *L) { return try_call(L, 0); }

/* true, ... | nil, "locked" = mutex:try_update(f, ...) */
static int mutex_try_update(lua_State *L) { return try_call(L, UPDATE); }

/* --- the rest --------------------------------------------------------------------------------- */
static int mutex_tostring(lua_State *L) {
  int waiting;
  int64_t holder = rt_mutex_inspect(check_mutex(L, rt_self(L)), &waiting);
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
                                     {"update", mutex_update},
                                     {"try_with", mutex_try_with},
                                     {"try_update", mutex_try_update},
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
  rtL_guards_class(L, w);
  rtL_worker_class(L, w, RT_CLASS_GUARD, &(rt_class_def){guard_meta, guard_methods, NULL});
  rtL_set_functions(L, w, functions);
}
