/* lib/task/select.c - rt.select: exactly one of several operations (lib/operation.h).
**
** 1. Try every operation, beginning with a random one (rt.select_biased: with the first). If one
**    can be done, it is the result. If there is an rt.default_op, and none can be done, that is the
**    result.
** 2. The task has to wait: make a branch for each operation.
** 3. Arm all branches. If one of them can be done by now, withdraw all, and start again. Nothing is
**    done while arming: a branch that is armed already could be served by another thread at the
**    same time, and then two operations would have happened.
** 4. Park. All waiters share one claim, and each thread that wants to call one of them must first
**    take the claim: so one waiter at most is called.
** 5. Resumed: withdraw all branches. If a waiter was called, its operation has happened, and
**    'finish' pushes the results. Else something of this state has woken the task, and it starts
**    again.
** spec/model/select.c checks steps 3 to 5.
**
** The userdata with the branches is needed only if the task waits. It is kept for the next select.
*/
#include "lib/operation.h"

typedef struct select_branch {
  rt_branch branch;
  const rt_op_kind *kind;
  struct rt_select *select;
  bool is_mapped; /* as in rt_operation */
  rt_task proxy;  /* parked on a list of this state in place of the task */
  rt_timer_call timer;
} select_branch;

typedef struct rt_select {
  rt_worker *worker;
  rt_claim claim;
  rt_list parked; /* the task, while it is parked */
  int capacity;   /* of 'branches' */
  int count;      /* branches in use */
  int spares;     /* of a spare: the number of spares in its list, from itself on */
  select_branch branches[];
} rt_select;

/* --- waking the task -------------------------------------------------------------------------- */
static void wake_task(rt_select *s) {
  rt_list *l = rt_list_first(&s->parked);
  if (l) rt_driver_wake(&s->worker->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static void on_waiter_called(rt_waiter *waiter) { wake_task(waiter->owner); }

/* Something of this state has happened. The claim is taken, so that no waiter is called before the
** task has tried again: it may be cancelled before that, and then no operation may have
** happened. */
static void claim_and_wake_task(rt_select *s) {
  rt_swap(&s->claim.taken, true);
  wake_task(s);
}

static void on_timer_due(rt_timer_call *call) {
  claim_and_wake_task(rt_containerof(call, select_branch, timer)->select);
}

void rt_select_wake(rt_task *proxy) {
  claim_and_wake_task(rt_containerof(proxy, select_branch, proxy)->select);
}

/* --- withdrawing ------------------------------------------------------------------------------ */
static void withdraw_proxy(select_branch *b) {
  rt_timer_remove(&b->timer.timer);
  if (b->proxy.phase == RT_WAITING)
    rt_task_unpark(&b->proxy, RT_FIRED);
  else
    rt_list_remove(&b->proxy.link); /* it was woken, and is in the ready queue */
}

/* Withdraws all branches; returns the one whose waiter was called, or NULL. */
static select_branch *withdraw_branches(rt_select *s) {
  select_branch *called = NULL;
  for (int i = 0; i < s->count; i++) {
    select_branch *b = &s->branches[i];
    rt_waiter *waiter = b->branch.waiter;
    withdraw_proxy(b);
    if (waiter && rt_waiter_withdraw(waiter)) {
      called = b;
    } else if (waiter && waiter->message) {
      b->branch.message = waiter->message; /* for the next attempt */
      waiter->message = NULL;
    }
  }
  return called;
}

static void free_branches(rt_select *s) {
  withdraw_branches(s);
  for (int i = 0; i < s->count; i++) {
    rt_branch *b = &s->branches[i].branch;
    if (b->waiter) rt_waiter_free(b->waiter);
    if (b->message) rt_pack_undo(s->worker, b->message);
    b->waiter = NULL;
    b->message = NULL;
  }
  s->count = 0;
}

static int select_gc(lua_State *L) {
  rt_select *s = rt_class_test(L, &rt_self(L)->classes, RT_CLASS_SELECT, 1);
  if (s == NULL) return rtL_class_refuse_close(L, RT_CLASS_SELECT, 1);
  if (!s->worker->stop.closed) free_branches(s);
  return 0;
}

/* --- spare userdata --------------------------------------------------------------------------- */
/* A new userdata for each wait would be garbage with a finalizer, which costs the collector two
** cycles. So a worker has a list of spares with a capacity of BRANCHES. User value NEXT is the next
** one. */
enum { BRANCHES = 8, SPARES_MAX = RT_SIZE(64, 2), NEXT = 1 };

/* Pushes a new select, all zeros. */
static rt_select *push_select(lua_State *L, rt_worker *w, int capacity) {
  size_t size = sizeof(rt_select) + (size_t)capacity * sizeof(select_branch);
  rt_select *s = rtL_class_new(L, &w->classes, RT_CLASS_SELECT, size, 1);
  s->worker = w;
  s->capacity = capacity;
  return s;
}

/* Pushes a spare, or a new select. */
static rt_select *take_select(lua_State *L, rt_worker *w, int capacity) {
  if (capacity > BRANCHES) return push_select(L, w, capacity);
  rt_anchor_push(L, w, RT_ANCHOR_SELECT);
  rt_select *s = lua_touserdata(L, -1);
  if (s == NULL) {
    lua_pop(L, 1);
    return push_select(L, w, BRANCHES);
  }
  lua_getiuservalue(L, -1, NEXT);
  rt_anchor_set(L, w, RT_ANCHOR_SELECT);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, NEXT);
  return s;
}

/* The select at 'index' is over: frees its branches, and puts it into the list of spares. It may
** stay on the stack until this call of rt.select returns. */
static void recycle_select(lua_State *L, rt_worker *w, int index) {
  rt_select *s = lua_touserdata(L, index);
  free_branches(s);
  if (s->capacity != BRANCHES || !lua_checkstack(L, 2)) return;
  rt_anchor_push(L, w, RT_ANCHOR_SELECT);
  const rt_select *next = lua_touserdata(L, -1);
  s->spares = next ? next->spares + 1 : 1;
  if (s->spares > SPARES_MAX) {
    lua_pop(L, 1);
    return;
  }
  lua_setiuservalue(L, index, NEXT);
  lua_pushvalue(L, index);
  rt_anchor_set(L, w, RT_ANCHOR_SELECT);
}

/* --- operations ------------------------------------------------------------------------------- */
static rt_operation *operation_at(lua_State *L, int index) { return lua_touserdata(L, index); }

static int default_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w, (void)b;
  return -1;
}

static const rt_op_kind default_kind = {.name = "default", .attempt = default_attempt};

/* op = rt.default_op(): the result of a select that would have to wait */
static int default_op(lua_State *L) {
  lua_settop(L, 0);
  lua_pushnil(L);
  return rtL_operation_new(L, rt_self(L), &default_kind, 0);
}

/* Returns the index of an rt.default_op, or 0. */
static int check_operations(lua_State *L, rt_worker *w) {
  int n = lua_gettop(L), default_at = 0;
  luaL_argcheck(L, n > 0, 1, "rt.operation expected, got no value");
  luaL_argcheck(L, n <= 1000, 1001, "too many operations");
  for (int i = 1; i <= n; i++) {
    const rt_operation *o = rtL_class_check(L, &w->classes, RT_CLASS_OPERATION, i);
    if (o->kind->has_waiter && ((const rt_shared_ref *)o->object)->shared == NULL)
      rtL_shared_finalized(L, i);
    if (o->kind == &default_kind) default_at = i;
  }
  luaL_checkstack(L, n + LUA_MINSTACK, "too many operations");
  return default_at;
}

/* --- select ----------------------------------------------------------------------------------- */
/* Stack: ..., the index of the operation, what its function has returned. 'context' is the place of
** that index. */
static int mapped(lua_State *L, int status, lua_KContext context) {
  (void)status;
  return lua_gettop(L) - (int)context + 1;
}

/* Calls the function of op:map. No branch is left, so it may wait, and its errors lose nothing. */
static int map_results(lua_State *L, int index, int results) {
  int place = lua_gettop(L) - results + 1;
  luaL_checkstack(L, 2, "too many results");
  lua_pushinteger(L, index);
  lua_insert(L, place);
  lua_getiuservalue(L, index, RT_OPERATION_MAP);
  lua_insert(L, place + 1);
  lua_callk(L, results, LUA_MULTRET, place, mapped);
  return mapped(L, LUA_OK, place);
}

/* Stack: the operations, ..., the results -> the same, with the index below the results, or below
** what the function of op:map returns. Returns how many these are. The last thing that a select
** does. */
static int finish_choice(lua_State *L, int index, bool is_mapped, int results) {
  if (rt_unlikely(is_mapped)) return map_results(L, index, results);
  lua_pushinteger(L, index);
  lua_insert(L, -1 - results);
  return 1 + results;
}

/* NULL: this select has not waited yet. */
static rt_select *select_at(lua_State *L, int n) {
  return lua_gettop(L) > n ? lua_touserdata(L, n + 1) : NULL;
}

static int try_one(lua_State *L, rt_worker *w, const rt_operation *o, int index, rt_select *s) {
  if (s) return o->kind->attempt(L, w, &s->branches[index - 1].branch);
  rt_branch b = {.object = o->object, .number = o->number, .op = index};
  return o->kind->attempt(L, w, &b);
}

/* Returns the number of results of this call; 0: no operation can be done. */
static int try_all(lua_State *L, rt_worker *w, int n, int first) {
  rt_select *s = select_at(L, n);
  for (int i = 0; i < n; i++) {
    int index = (first + i) % n + 1;
    const rt_operation *o = operation_at(L, index);
    int results = try_one(L, w, o, index, s);
    if (results < 0) continue;
    if (s) recycle_select(L, w, n + 1);
    return finish_choice(L, index, o->is_mapped, results);
  }
  return 0;
}

static void init_branch(lua_State *L, rt_worker *w, rt_select *s, int index) {
  const rt_operation *o = operation_at(L, index);
  select_branch *b = &s->branches[index - 1];
  memset(b, 0, sizeof *b);
  b->kind = o->kind;
  b->select = s;
  b->is_mapped = o->is_mapped;
  rt_task_init(&b->proxy, 0);
  b->proxy.phase = RT_RUNNING;
  b->proxy.is_proxy = 1;
  rt_timer_call_init(&b->timer, on_timer_due);
  b->branch.object = o->object;
  b->branch.number = o->number;
  b->branch.op = index;
  b->branch.task = &b->proxy;
  b->branch.timer = &b->timer;
  s->count = index;
  if (b->kind->has_waiter) {
    rt_waiter *waiter = b->branch.waiter = rt_waiter_new(&w->driver);
    if (waiter == NULL) rtL_error_no_memory(L);
    waiter->claim = &s->claim;
    waiter->owner = s;
    waiter->on_call = on_waiter_called;
  }
  if (b->kind->prepare) b->kind->prepare(L, w, &b->branch);
}

/* Stack: the operations -> the same, and the select. */
static rt_select *make_branches(lua_State *L, rt_worker *w, int n) {
  rt_select *s = take_select(L, w, n);
  rt_list_init(&s->parked);
  for (int i = 1; i <= n; i++) init_branch(L, w, s, i);
  return s;
}

/* Returns NULL if all branches are armed; else the one that is not. */
static select_branch *arm_branches(lua_State *L, rt_worker *w, rt_select *s) {
  rt_store(&s->claim.taken, false);
  for (int i = 0; i < s->count; i++) {
    rt_branch *b = &s->branches[i].branch;
    const rt_op_kind *kind = s->branches[i].kind;
    if (kind->arm == NULL) continue;
    if (b->waiter) {
      b->waiter->message = b->message;
      b->message = NULL;
    }
    if (!kind->arm(L, w, b)) return &s->branches[i];
  }
  return NULL;
}

static int finish_branch(lua_State *L, rt_worker *w, int n, select_branch *called) {
  const rt_op_kind *kind = called->kind;
  rt_branch b = called->branch;
  bool is_mapped = called->is_mapped;
  b.message = b.waiter->message;
  b.answer = b.waiter->answer;
  b.waiter->message = NULL;
  rt_wait_happened(w);
  recycle_select(L, w, n + 1);
  int results = kind->finish(L, w, &b);
  return finish_choice(L, b.op, is_mapped, results);
}

static int fail_branch(lua_State *L, rt_worker *w, int n, const select_branch *failed) {
  int index = failed->branch.op, error = failed->branch.error;
  bool is_mapped = failed->is_mapped;
  recycle_select(L, w, n + 1);
  return finish_choice(L, index, is_mapped, rtL_fail(L, error, NULL));
}

static int select_resume(lua_State *L, int status, lua_KContext context);

enum { BIASED = 1, BITS = 1 };

/* Stack: the operations, and the select if the task has waited already. */
static int run_select(lua_State *L, rt_worker *w, int n, bool biased, int default_at) {
  for (;;) {
    int results = try_all(L, w, n, biased ? 0 : (int)(rt_worker_chance(w) % (uint64_t)n));
    if (results > 0) return results;
    if (default_at) return finish_choice(L, default_at, operation_at(L, default_at)->is_mapped, 0);
    rtL_wait_prepare(L, w, w->current.task);
    rt_select *s = select_at(L, n);
    if (s == NULL) s = make_branches(L, w, n);
    const select_branch *failed = arm_branches(L, w, s);
    if (failed == NULL) {
      rt_waiter_park_claim(&s->claim, w->current.task, RT_OP_SELECT, &s->parked);
      return rtL_wait(L, w, select_resume, (lua_KContext)n << BITS | (biased ? BIASED : 0));
    }
    select_branch *called = withdraw_branches(s);
    if (called) return finish_branch(L, w, n, called);
    if (failed->branch.error != 0) return fail_branch(L, w, n, failed);
  }
}

static int select_resume(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rt_self(L);
  int n = (int)(context >> BITS);
  rt_select *s = select_at(L, n);
  select_branch *called = withdraw_branches(s);
  if (called) return finish_branch(L, w, n, called);
  if (w->current.task->cause != RT_FIRED || w->current.task->alert) {
    recycle_select(L, w, n + 1);
    lua_settop(L, n); /* (if rtL_wait_after_yield does not raise, the select starts again) */
  }
  rtL_wait_after_yield(L, w);
  return run_select(L, w, n, context & BIASED, 0);
}

static int select_resume_yielded(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rt_self(L);
  rtL_wait_after_yield(L, w);
  return run_select(L, w, lua_gettop(L), context & BIASED, (int)(context >> BITS));
}

static int start_select(lua_State *L, bool biased) {
  rt_worker *w = rt_self(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  int default_at = check_operations(L, w);
  if (rt_wait_must_yield(L, w, t))
    return rtL_wait(L, w, select_resume_yielded,
                    (lua_KContext)default_at << BITS | (biased ? BIASED : 0));
  return run_select(L, w, lua_gettop(L), biased, default_at);
}

/* i, ... = rt.select(op, ...) */
static int do_select(lua_State *L) { return start_select(L, false); }

/* i, ... = rt.select_biased(op, ...): if several can be done, the first of them */
static int select_biased(lua_State *L) { return start_select(L, true); }

/* --- op:map ----------------------------------------------------------------------------------- */
static int composed(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_gettop(L);
}

static int call_second(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, composed);
  return composed(L, LUA_OK, 0);
}

/* The function of an operation that was mapped twice: upvalues 1 and 2 are the two functions. */
static int call_both(lua_State *L) {
  luaL_checkstack(L, 2, "too many results");
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 2);
  lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, call_second);
  return call_second(L, LUA_OK, 0);
}

/* op = op:map(f): the same operation, of which rt.select returns what f returns */
static int operation_map(lua_State *L) {
  enum { OPERATION = 1, FUNCTION };
  rt_worker *w = rt_self(L);
  const rt_operation *o = rtL_class_check(L, &w->classes, RT_CLASS_OPERATION, OPERATION);
  luaL_checktype(L, FUNCTION, LUA_TFUNCTION);
  lua_settop(L, FUNCTION);
  if (o->is_mapped) {
    lua_getiuservalue(L, OPERATION, RT_OPERATION_MAP);
    lua_insert(L, FUNCTION);
    lua_pushcclosure(L, call_both, 2);
  }
  rt_operation *copy =
      rtL_class_new(L, &w->classes, RT_CLASS_OPERATION, sizeof *copy, RT_OPERATION_MAPPED_VALUES);
  *copy = *o;
  copy->is_mapped = true;
  for (int value = RT_OPERATION_OBJECT; value < RT_OPERATION_MAP; value++) {
    lua_getiuservalue(L, OPERATION, value);
    lua_setiuservalue(L, -2, value);
  }
  lua_pushvalue(L, FUNCTION);
  lua_setiuservalue(L, -2, RT_OPERATION_MAP);
  return 1;
}

static int operation_tostring(lua_State *L) {
  const rt_operation *o = rtL_class_check(L, &rt_self(L)->classes, RT_CLASS_OPERATION, 1);
  lua_getiuservalue(L, 1, RT_OPERATION_OBJECT);
  lua_pushfstring(L, "rt.operation (%s of %s)", o->kind->name, luaL_tolstring(L, -1, NULL));
  return 1;
}

void rtL_open_select(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", select_gc}, {NULL, NULL}};
  static const luaL_Reg operation_meta[] = {{"__tostring", operation_tostring}, {NULL, NULL}};
  static const luaL_Reg operation_methods[] = {{"map", operation_map}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"select", do_select},
                                       {"select_biased", select_biased},
                                       {"default_op", default_op},
                                       {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_SELECT, &(rt_class_def){.meta = meta});
  rtL_worker_class(L, w, RT_CLASS_OPERATION,
                   &(rt_class_def){.methods = operation_methods, .meta = operation_meta});
  rtL_set_functions(L, w, functions);
}
