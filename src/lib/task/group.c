/* lib/task/group.c - groups of tasks (sched/group.h), of which rt.scope, rt.race and rt.tcp.serve
** are made. */
#include "lib/operation.h"
#include "run/spawn.h"
#include "worker/traceback.h"

static const rt_shared_kind group_kind = {"group", rt_group_free, RT_CLASS_GROUP, NULL};
/* The group of a scope cannot be sent to another state, since the Lua code that runs the scope has
** the list of its tasks. */
static const rt_shared_kind scope_group_kind = {"group", rt_group_free, RT_CLASS_GROUP, NULL};

enum { TASKS = 1, VALUES = TASKS };

static rt_group *check_group(lua_State *L) {
  return rt_group_of(rtL_shared_check(L, rt_self(L), RT_CLASS_GROUP, 1)->shared);
}

static rt_shared *group_send(lua_State *L, rt_worker *w, int index, const char **why) {
  const rt_shared_ref *ref = lua_touserdata(L, index);
  if (ref->shared == NULL || ref->shared->kind == &group_kind)
    return rt_shared_ref_send(L, w, index, why);
  *why = "a scope: only where it was opened can tasks be added";
  return NULL;
}

static void cancel_member(rt_shared *shared) { rt_job_cancel(rt_job_of(shared), NULL); }

/* group = internal.group([policy [, keep_ended]]): a policy (rt_group_policy) makes it the group of
** a scope; with keep_ended there is group:next. The user value TASKS of a group is nil, or the
** table of group:give_ended. */
static int new_group(lua_State *L) {
  static const char *const policies[] = {"settle", "all", "any", "each", "first", NULL};
  rt_group_policy policy = (rt_group_policy)luaL_checkoption(L, 1, "settle", policies);
  bool is_scope = !lua_isnoneornil(L, 1);
  bool keeps_ended = lua_toboolean(L, 2);
  rt_shared_ref *ref = rtL_class_new(L, &rt_self(L)->classes, RT_CLASS_GROUP, sizeof *ref, VALUES);
  rt_group *g = rt_group_new(is_scope ? &scope_group_kind : &group_kind, policy, cancel_member);
  if (g && is_scope) g->driver = &rt_self(L)->driver;
  if (g && keeps_ended) rt_group_keep_ended(g);
  rtL_shared_set(L, ref, g ? &g->shared : NULL);
  return 1;
}

/* Stack: the group, (the worker,) the function and its arguments, from the index 'first' on. */
static int group_spawn_to(lua_State *L, int slot, int first) {
  rt_worker *w = rt_self(L);
  rt_group *g = check_group(L);
  luaL_checktype(L, first, LUA_TFUNCTION);
  rt_sched *s = rtL_spawn_pool(L, w, RT_POOL_TASKS);
  if (!rt_group_make_room(g)) return rtL_error_no_memory(L);
  rt_job *j = rtL_spawn_make(L, w, s, g, first);
  if (rtL_spawn_submit(L, w, s, j, slot)) return 1;
  rt_group_forget(&j->member);
  rt_worker_count(w, RT_COUNT_SPAWNED, 1); /* (it is counted as spawned and cancelled) */
  rt_job_cancel(j, NULL);
  return rtL_call_site_error(L, &w->call_sites,
                             "too many tasks are queued that no worker has begun");
}

/* task = group:spawn(f, ...) */
static int group_spawn(lua_State *L) { return group_spawn_to(L, RT_ANY_SLOT, 2); }

/* Nobody joins the task: its job, which the collector would find late, is freed when it ends. */
static int start_to(lua_State *L, int slot) {
  group_spawn_to(L, slot, 2);
  rt_shared_ref *handle = lua_touserdata(L, -1);
  rt_shared *job = handle->shared;
  handle->shared = NULL;
  rt_shared_drop(job);
  return 0;
}

/* group:start(f, ...): as spawn, without a task to join */
static int group_start(lua_State *L) { return start_to(L, RT_ANY_SLOT); }

/* group:spread(f, ...): the same on the worker with the fewest tasks */
static int group_spread(lua_State *L) { return start_to(L, RT_LEAST_LOADED); }

/* task = group:spawn_at(n, f, ...): on the nth worker */
static int group_spawn_at(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2);
  rt_sched *s = rtL_spawn_pool(L, rt_self(L), RT_POOL_TASKS);
  luaL_argcheck(L, n >= 1 && n <= s->config.slots, 2, "there is no such worker");
  return group_spawn_to(L, (int)n - 1, 3);
}

/* numbers | nil, message, code = internal.start_workers(n): starts the threads of the first n
** workers of the pool. Returns the numbers of those whose states are not made yet, which may
** fail. */
static int start_workers(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_sched *s = rtL_spawn_open_pool(L, w, RT_POOL_TASKS);
  lua_Integer n = luaL_checkinteger(L, 1), found = 0;
  luaL_argcheck(L, n >= 1 && n <= s->config.slots, 1, "there are not so many workers");
  int err = rt_sched_start_slots(s, (int)n);
  if (err == UV_ECANCELED) rtL_cancel_at_end(L, w);
  if (err != 0) return rtL_fail(L, err, "starting a worker");
  lua_createtable(L, (int)n, 0);
  for (int i = 0; i < n; i++) {
    if (rt_slot_is_attached(&s->slots[i])) continue;
    lua_pushinteger(L, i + 1);
    lua_seti(L, -2, ++found);
  }
  return 1;
}

/* --- waiting ---------------------------------------------------------------------------------- */
static rt_group *group_of(const rt_branch *b) { return rt_group_of(rt_branch_shared(b)); }

static int group_wait_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_group *g = group_of(b);
  bool all = b->number;
  (void)L, (void)w;
  return rt_group_live(g) == 0 || (!all && rt_group_decider(g) != 0) ? 0 : -1;
}

static bool group_wait_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return !rt_group_await(group_of(b), b->waiter, b->number);
}

static int group_wait_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w, (void)b;
  return 0;
}

static uint64_t group_wait_number(lua_State *L) { return (uint64_t)lua_toboolean(L, 2); }

static const rt_op_kind group_wait_kind = {.name = "wait",
                                           .waits_for = RT_OP_JOIN,
                                           .has_waiter = true,
                                           .attempt = group_wait_attempt,
                                           .arm = group_wait_arm,
                                           .finish = group_wait_finish,
                                           .number = group_wait_number};

/* group:wait([all]): until all tasks of the group have ended; or, unless 'all', until its policy
** decides */
static int group_wait(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_GROUP, 1);
  rtL_cancel_checkpoint(L, w);
  return rtL_operation_begin(L, w, &group_wait_kind, ref, group_wait_number(L));
}

/* --- the tasks that have ended ---------------------------------------------------------------- */
/* group:give_ended(tasks): from now on there is group:next. tasks: the handles by id, which the
** caller keeps up to date. */
static int group_give_ended(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_group *g = check_group(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  int err = rt_group_give_ended(g);
  if (err == UV_ENOMEM) return rtL_error_no_memory(L);
  if (err != 0)
    return rtL_call_site_error(
        L, &w->call_sites,
        "more than %d tasks of the scope had ended before the first 'next', and are not kept",
        RT_GROUP_ENDED_MAX);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, TASKS);
  return 0;
}

/* boolean = group:keeps_ended() */
static int group_keeps_ended(lua_State *L) {
  lua_pushboolean(L, rt_group_keeps_ended(check_group(L)));
  return 1;
}

/* Pushes the handle of the task, and removes it from the table. Pushes nil and returns false if
** there is none: the id is 0, or no memory was left when the handle was to be added. */
static bool push_handle(lua_State *L, const rt_branch *b, uint64_t id) {
  if (b->op != 0)
    lua_getiuservalue(L, b->op, RT_OPERATION_OBJECT);
  else
    lua_pushvalue(L, 1);
  if (lua_getiuservalue(L, -1, TASKS) != LUA_TTABLE) { /* give_ended was not called */
    lua_remove(L, -2);
    return false;
  }
  bool found = lua_rawgeti(L, -1, (lua_Integer)id) != LUA_TNIL;
  lua_pushnil(L);
  lua_rawseti(L, -3, (lua_Integer)id);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return found;
}

static int group_next_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  uint64_t id;
  while (rt_group_next(group_of(b), &id)) {
    if (push_handle(L, b, id) || id == 0) return 1;
    lua_pop(L, 1);
  }
  return -1;
}

static bool group_next_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_group_await_next(group_of(b), b->waiter);
}

static int group_next_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  if (rt_unlikely(rt_cancel_from_other_thread(w))) {
    rt_group_give_back(group_of(b), b->answer);
    rtL_cancel_takes_precedence(L, w);
  }
  push_handle(L, b, rt_group_take_promised(group_of(b), b->answer));
  return 1;
}

static const rt_op_kind group_next_kind = {.name = "next",
                                           .waits_for = RT_OP_JOIN,
                                           .has_waiter = true,
                                           .attempt = group_next_attempt,
                                           .arm = group_next_arm,
                                           .finish = group_next_finish};

/* task = group:next(): the next task that has ended; nil: none is left */
static int group_next(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_GROUP, 1);
  lua_settop(L, 1);
  return rtL_operation_run(L, w, &group_next_kind, ref, 0);
}

/* op = group:next_op() */
static int group_next_op(lua_State *L) {
  check_group(L);
  lua_settop(L, 1);
  return rtL_operation_new(L, rt_self(L), &group_next_kind, 0);
}

/* --- cancelling and looking ------------------------------------------------------------------- */
/* group:cancel() */
static int group_cancel(lua_State *L) {
  rt_group_cancel(check_group(L));
  return 0;
}

static int group_begin_cancel(lua_State *L) {
  rt_group_begin_cancel(check_group(L));
  return 0;
}

static int group_len(lua_State *L) {
  lua_pushinteger(L, rt_group_live(check_group(L)));
  return 1;
}

/* id = group:decider(): of the task whose end has decided, by the policy; nil: none has */
static int group_decider(lua_State *L) {
  uint64_t id = rt_group_decider(check_group(L));
  if (id == 0) return 0;
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* task = group:spawn_local(f, ...) */
static int group_spawn_local(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_group *g = check_group(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (w->stop.begun) return rtL_cancel_at_end(L, w);
  if (!rt_group_make_room(g)) return rtL_error_no_memory(L);
  rt_task *t = rtL_worker_spawn(L, w, lua_gettop(L) - 2, 1, RT_NORMAL);
  rt_more *more = rt_task_more(t);
  if (more == NULL) {
    lua_pushnil(L);
    rtL_cancel_task(L, w, t, -2);
    return rtL_error_no_memory(L);
  }
  bool may_run = rt_group_enter_local(g);
  more->group = g;
  more->leave_group = rt_group_leave_local;
  if (!may_run) {
    lua_pushnil(L);
    rtL_cancel_task(L, w, t, -2);
  }
  return 1;
}

/* --- the body of a scope ---------------------------------------------------------------------- */
/* The body runs in a cancel scope. When the policy decides, or the group is cancelled, the scope is
** cancelled, as if its deadline had passed. */
static void on_group_decided(rt_waiter *waiter) { rt_cancel_scope_cancel(waiter->owner); }

/* Stack: the group, the handler, the results or the error. */
static int group_run_ended(lua_State *L, int status, lua_KContext serial) {
  rt_worker *w = rt_self(L);
  rt_cancel_scope_close(w->current.task, (uint64_t)serial);
  if (status == LUA_OK || status == LUA_YIELD) {
    lua_pushboolean(L, 1);
    lua_replace(L, 2);
    return lua_gettop(L) - 1;
  }
  if (rt_cancelled_is_of(L, w, -1, (uint64_t)serial)) return 0;
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return rt_traceback_find(L, w, -1) ? 3 : 2;
}

/* true, ... | false, error, traceback | nothing = group:run(f, ...): nothing, if f was unwound
** because the policy has decided or the group was cancelled */
static int group_run(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_group *g = check_group(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  rt_task *me = rtL_cancel_checkpoint(L, w);
  rtL_wait_check_place(L, w, me); /* or the scope could not wait for its tasks */
  lua_pushcfunction(L, rtL_traceback_handler);
  lua_insert(L, 2);
  rt_cancel_scope_set_opener(me, &g->shared, &g->opener);
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  rt_cancel_scope *scope = waiter ? rt_cancel_scope_open(me, &w->driver, RT_NEVER, false) : NULL;
  if (scope == NULL) {
    if (waiter) rt_waiter_free(waiter);
    return rtL_error_no_memory(L);
  }
  lua_KContext serial = (lua_KContext)(scope->serial = rt_worker_next_scope(w));
  scope->opener = L;
  scope->waiter = waiter;
  scope->group = &g->shared;
  rt_shared_hold(scope->group);
  waiter->owner = scope;
  waiter->on_call = on_group_decided;
  if (rt_group_watch(g, waiter)) rt_cancel_scope_cancel(scope);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, serial, group_run_ended);
  return group_run_ended(L, status, serial);
}

void rtL_open_group(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__len", group_len}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"spawn", group_spawn},
                                     {"start", group_start},
                                     {"spread", group_spread},
                                     {"spawn_at", group_spawn_at},
                                     {"wait", group_wait},
                                     {"spawn_local", group_spawn_local},
                                     {"run", group_run},
                                     {"cancel", group_cancel},
                                     {"begin_cancel", group_begin_cancel},
                                     {"decider", group_decider},
                                     {"give_ended", group_give_ended},
                                     {"keeps_ended", group_keeps_ended},
                                     {"next", group_next},
                                     {"next_op", group_next_op},
                                     {NULL, NULL}};
  static const luaL_Reg internal[] = {
      {"group", new_group}, {"start_workers", start_workers}, {NULL, NULL}};
  static const rt_travel group_travel = {group_send, NULL, rtL_shared_receive, NULL};
  rtL_shared_class(L, w, RT_CLASS_GROUP, &(rt_class_def){meta, methods, NULL});
  w->classes.travel[RT_CLASS_GROUP] = &group_travel;
  rtL_set_internal_functions(L, w, internal);
}
