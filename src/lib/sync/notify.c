/* lib/sync/notify.c - rt.notify: wakes tasks of any workers, without a value. */
#include "lib/operation.h"
#include "sync/notify.h"

static const rt_shared_kind notify_kind = {"notify", rt_notify_free, RT_CLASS_NOTIFY, NULL};

static rt_notify *check_notify(lua_State *L, rt_worker *w) {
  return rt_notify_of(rtL_shared_check(L, w, RT_CLASS_NOTIFY, 1)->shared);
}

/* notify = rt.notify() */
static int new_notify(lua_State *L) {
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_NOTIFY);
  rt_notify *n = rt_notify_new(&notify_kind);
  rtL_shared_set(L, ref, n ? &n->shared : NULL);
  return 1;
}

/* --- waiting ---------------------------------------------------------------------------------- */
static rt_notify *notify_of(const rt_branch *b) { return rt_notify_of(rt_branch_shared(b)); }

static int notify_wait_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  if (!rt_notify_take(notify_of(b))) return -1;
  lua_pushboolean(L, 1);
  return 1;
}

static bool notify_wait_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_notify_await(notify_of(b), b->waiter);
}

static int notify_wait_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w, (void)b;
  lua_pushboolean(L, 1);
  return 1;
}

static const rt_op_kind notify_wait_kind = {.name = "wait",
                                            .waits_for = RT_OP_NOTIFY,
                                            .has_waiter = true,
                                            .attempt = notify_wait_attempt,
                                            .arm = notify_wait_arm,
                                            .finish = notify_wait_finish};

/* true = notify:wait() */
static int notify_wait(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_NOTIFY, 1);
  return rtL_operation_run(L, w, &notify_wait_kind, ref, 0);
}

/* op = notify:wait_op() */
static int notify_wait_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  check_notify(L, w);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &notify_wait_kind, 0);
}

/* --- notifying -------------------------------------------------------------------------------- */
/* notify:notify_one() */
static int notify_one(lua_State *L) {
  rt_notify_one(check_notify(L, rt_self(L)));
  return 0;
}

/* notify:notify_all() */
static int notify_all(lua_State *L) {
  rt_notify_all(check_notify(L, rt_self(L)));
  return 0;
}

static int notify_tostring(lua_State *L) {
  int waiting = rt_notify_inspect(check_notify(L, rt_self(L)));
  if (waiting < 0)
    lua_pushliteral(L, "rt.notify (notified)");
  else
    lua_pushfstring(L, "rt.notify (%d waiting)", waiting);
  return 1;
}

void rtL_open_notify(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__tostring", notify_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"wait", notify_wait},
                                     {"wait_op", notify_wait_op},
                                     {"notify_one", notify_one},
                                     {"notify_all", notify_all},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"notify", new_notify}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_NOTIFY, &(rt_class_def){meta, methods, NULL});
  rtL_set_functions(L, w, functions);
}
