/* lib/task/select.c - rt.select: exactly one of several operations. */
#include "lib/operation.h"

typedef struct select_branch {
  rt_branch branch;
  const rt_op_kind *kind;
  struct rt_select *of;
  rt_task proxy; /* stands on a list of this state in place of the task */
  rt_timeout timer;
} select_branch;

typedef struct rt_select {
  rt_worker *worker;
  rt_claim claim;
  rt_list parked; /* the task, while it is parked */
  int room;       /* for so many branches */
  int count;
  int spares; /* while it is one: how many there are with it */
  select_branch branches[];
} rt_select;

/* --- what wakes it ---------------------------------------------------------------------------- */
static void look_again(rt_select *s) {
  rt_list *l = rt_list_first(&s->parked);
  if (l) rt_driver_wake(&s->worker->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static void on_call(rt_waiter *t) { look_again(t->owner); }

/* Something of this state: until the task has looked, the others pass it over, since it may be
** cancelled before that. */
static void look_here(rt_select *s) {
  rt_swap(&s->claim.taken, true);
  look_again(s);
}

static void on_due(rt_timeout *t) { look_here(rt_containerof(t, select_branch, timer)->of); }

void rt_select_wake(rt_task *proxy) { look_here(rt_containerof(proxy, select_branch, proxy)->of); }

/* --- waiting, and not ------------------------------------------------------------------------- */
static void withdraw_local(select_branch *b) {
  rt_timer_remove(&b->timer.timer);
  if (b->proxy.phase == RT_WAITING)
    rt_task_unpark(&b->proxy, RT_FIRED);
  else
    rt_list_remove(&b->proxy.link); /* of those who may run */
}

/* The branch whose waiter was called, or NULL. */
static select_branch *withdraw_all(rt_select *s) {
  select_branch *called = NULL;
  for (int i = 0; i < s->count; i++) {
    select_branch *b = &s->branches[i];
    rt_waiter *t = b->branch.waiter;
    withdraw_local(b);
    if (t && rt_waiter_withdraw(t)) {
      called = b;
    } else if (t && t->message) {
      b->branch.message = t->message; /* for the next attempt */
      t->message = NULL;
    }
  }
  return called;
}

static void dispose(rt_select *s) {
  withdraw_all(s);
  for (int i = 0; i < s->count; i++) {
    rt_branch *b = &s->branches[i].branch;
    if (b->waiter) rt_waiter_free(b->waiter);
    if (b->message) rt_pack_undo(s->worker, b->message);
    b->waiter = NULL;
    b->message = NULL;
  }
  s->count = 0;
}

static int collect(lua_State *L) {
  rt_select *s = lua_touserdata(L, 1);
  if (!s->worker->stop.closed) dispose(s);
  return 0;
}

/* --- those that are used again ---------------------------------------------------------------- */
/* A new one for each wait would be garbage with a finalizer, which is dear, and which Lua's
** collector is slow to part with. Each spare has the next one as its user value. */
enum { ROOM = 8, MOST_SPARES = RT_SIZE(64, 2), NEXT = 1 };

/* Pushes one, all zeros. */
static rt_select *make_select(lua_State *L, rt_worker *w, int room) {
  size_t size = sizeof(rt_select) + (size_t)room * sizeof(select_branch);
  rt_select *s = rtL_class_new(L, &w->classes, RT_CLASS_SELECT, size, 1);
  s->worker = w;
  s->room = room;
  return s;
}

static rt_select *take_select(lua_State *L, rt_worker *w, int room) {
  if (room > ROOM) return make_select(L, w, room);
  rtL_anchor_push(L, w, RT_ANCHOR_SELECT);
  rt_select *s = lua_touserdata(L, -1);
  if (s == NULL) {
    lua_pop(L, 1);
    return make_select(L, w, ROOM);
  }
  lua_getiuservalue(L, -1, NEXT);
  rtL_anchor_set(L, w, RT_ANCHOR_SELECT);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, NEXT);
  return s;
}

/* It is over; the object is at 'index', and may stay there for a while. */
static void give_select(lua_State *L, rt_worker *w, int index) {
  rt_select *s = lua_touserdata(L, index);
  dispose(s);
  if (s->room != ROOM || !lua_checkstack(L, 2)) return;
  rtL_anchor_push(L, w, RT_ANCHOR_SELECT);
  const rt_select *next = lua_touserdata(L, -1);
  s->spares = next ? next->spares + 1 : 1;
  if (s->spares > MOST_SPARES) {
    lua_pop(L, 1);
    return;
  }
  lua_setiuservalue(L, index, NEXT);
  lua_pushvalue(L, index);
  rtL_anchor_set(L, w, RT_ANCHOR_SELECT);
}

/* --- operations ------------------------------------------------------------------------------- */
static rt_operation *operation_at(lua_State *L, int index) { return lua_touserdata(L, index); }

static int default_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w, (void)b;
  return -1;
}

static const rt_op_kind default_kind = {.name = "default", .attempt = default_attempt};

/* op = rt.default_op(): what is done if no other operation can be, at once */
static int default_op(lua_State *L) {
  lua_settop(L, 0);
  lua_pushnil(L);
  return rtL_operation_new(L, rtL_self(L), &default_kind, 0);
}

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
/* Stack: the operations, (the select,) …, the results -> the index below them. */
static int chosen(lua_State *L, int index, int results) {
  lua_pushinteger(L, index);
  lua_insert(L, -1 - results);
  return 1 + results;
}

static rt_select *select_at(lua_State *L, int n) {
  return lua_gettop(L) > n ? lua_touserdata(L, n + 1) : NULL;
}

static int try_one(lua_State *L, rt_worker *w, int index, rt_select *s) {
  const rt_operation *o = operation_at(L, index);
  if (s) return o->kind->attempt(L, w, &s->branches[index - 1].branch);
  rt_branch b = {.object = o->object, .number = o->number, .op = index};
  return o->kind->attempt(L, w, &b);
}

static int try_all(lua_State *L, rt_worker *w, int n, int first) {
  rt_select *s = select_at(L, n);
  for (int i = 0; i < n; i++) {
    int index = (first + i) % n + 1;
    int results = try_one(L, w, index, s);
    if (results < 0) continue;
    if (s) give_select(L, w, n + 1);
    return chosen(L, index, results);
  }
  return 0;
}

static void init_branch(lua_State *L, rt_worker *w, rt_select *s, int index) {
  const rt_operation *o = operation_at(L, index);
  select_branch *b = &s->branches[index - 1];
  memset(b, 0, sizeof *b);
  b->kind = o->kind;
  b->of = s;
  rt_task_init(&b->proxy, 0);
  b->proxy.phase = RT_RUNNING;
  b->proxy.is_proxy = 1;
  rt_timeout_init(&b->timer, on_due);
  b->branch.object = o->object;
  b->branch.number = o->number;
  b->branch.op = index;
  b->branch.task = &b->proxy;
  b->branch.timer = &b->timer;
  s->count = index;
  if (b->kind->has_waiter) {
    rt_waiter *t = b->branch.waiter = rt_waiter_new(&w->driver);
    if (t == NULL) rtL_no_memory(L);
    t->claim = &s->claim;
    t->owner = s;
    t->on_call = on_call;
  }
  if (b->kind->prepare) b->kind->prepare(L, w, &b->branch);
}

/* Stack: the operations -> the same, and the select. */
static rt_select *new_select(lua_State *L, rt_worker *w, int n) {
  rt_select *s = take_select(L, w, n);
  rt_list_init(&s->parked);
  for (int i = 1; i <= n; i++) init_branch(L, w, s, i);
  return s;
}

/* NULL: all wait; else the branch that does not. */
static select_branch *arm_all(lua_State *L, rt_worker *w, rt_select *s) {
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

static int finish(lua_State *L, rt_worker *w, int n, select_branch *called) {
  const rt_op_kind *kind = called->kind;
  rt_branch b = called->branch;
  b.message = b.waiter->message;
  b.answer = b.waiter->answer;
  b.waiter->message = NULL;
  rtL_wait_happened(w);
  give_select(L, w, n + 1);
  int results = kind->finish(L, w, &b);
  return chosen(L, b.op, results);
}

static int fail(lua_State *L, rt_worker *w, int n, const rt_branch *b) {
  int index = b->op, error = b->error;
  give_select(L, w, n + 1);
  return chosen(L, index, rtL_fail(L, error, NULL));
}

static int selected(lua_State *L, int status, lua_KContext context);

enum { BIASED = 1, BITS = 1 };

/* Stack: the operations, and the select if it has waited already. */
static int run(lua_State *L, rt_worker *w, int n, bool biased, int default_at) {
  for (;;) {
    int results = try_all(L, w, n, biased ? 0 : (int)(rt_worker_chance(w) % (uint64_t)n));
    if (results > 0) return results;
    if (default_at) return chosen(L, default_at, 0);
    rtL_wait_prepare(L, w, w->running);
    rt_select *s = select_at(L, n);
    if (s == NULL) s = new_select(L, w, n);
    const select_branch *failed = arm_all(L, w, s);
    if (failed == NULL) {
      rt_claim_park(&s->claim, w->running, RT_OP_SELECT, &s->parked);
      return rtL_wait(L, w, selected, (lua_KContext)n << BITS | (biased ? BIASED : 0));
    }
    select_branch *called = withdraw_all(s);
    if (called) return finish(L, w, n, called);
    if (failed->branch.error != 0) return fail(L, w, n, &failed->branch);
  }
}

static int selected(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rtL_self(L);
  int n = (int)(context >> BITS);
  rt_select *s = select_at(L, n);
  select_branch *called = withdraw_all(s);
  if (called) return finish(L, w, n, called);
  if (w->running->cause != RT_FIRED || w->running->alert) {
    give_select(L, w, n + 1);
    lua_settop(L, n); /* (if nothing is due any more, it begins again) */
  }
  rtL_wait_turned(L, w);
  return run(L, w, n, context & BIASED, 0);
}

static int select_later(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return run(L, w, lua_gettop(L), context & BIASED, (int)(context >> BITS));
}

static int start(lua_State *L, bool biased) {
  rt_worker *w = rtL_self(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  int default_at = check_operations(L, w);
  if (rtL_wait_must_yield(L, w, t))
    return rtL_wait(L, w, select_later, (lua_KContext)default_at << BITS | (biased ? BIASED : 0));
  return run(L, w, lua_gettop(L), biased, default_at);
}

/* i, ... = rt.select(op, ...) */
static int do_select(lua_State *L) { return start(L, false); }

/* i, ... = rt.select_biased(op, ...): of several that can be done, the first */
static int select_biased(lua_State *L) { return start(L, true); }

static int operation_tostring(lua_State *L) {
  rt_operation *o = operation_at(L, 1);
  lua_getiuservalue(L, 1, RT_OPERATION_OBJECT);
  lua_pushfstring(L, "rt.operation (%s of %s)", o->kind->name, luaL_tolstring(L, -1, NULL));
  return 1;
}

void rtL_open_select(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", collect}, {NULL, NULL}};
  static const luaL_Reg operation_meta[] = {{"__tostring", operation_tostring}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"select", do_select},
                                       {"select_biased", select_biased},
                                       {"default_op", default_op},
                                       {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_SELECT, &(rt_class_def){.meta = meta});
  rtL_worker_class(L, w, RT_CLASS_OPERATION, &(rt_class_def){.meta = operation_meta});
  rtL_set_functions(L, w, functions);
}
