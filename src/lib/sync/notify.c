/* lib/sync/notify.c - rt.notify: wakes tasks, and says nothing else. */
#include "sync/notify.h"
#include "lib/operation.h"
#include "lib/shared.h"

static const rt_shared_kind kind = {"notify", rt_notify_free, RT_CLASS_NOTIFY};

static rt_notify *check_notify(lua_State *L, rt_worker *w) {
  return rt_notify_of(rtL_shared_check(L, w, RT_CLASS_NOTIFY, 1)->shared);
}

/* notify = rt.notify() */
static int new_notify(lua_State *L) {
  rt_shared_ref *s = rtL_shared_new(L, rtL_self(L), RT_CLASS_NOTIFY);
  rt_notify *n = rt_notify_new(&kind);
  rtL_shared_set(L, s, n ? &n->shared : NULL);
  return 1;
}

static int notified(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

static int wait_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rtL_shared_called(L, rtL_self(L), waiter, NULL);
  return notified(L);
}

static int do_wait(lua_State *L, rt_worker *w, rt_notify *n) {
  if (rt_notify_wait(n, NULL)) return notified(L);
  rtL_wait_prepare(L, w, w->running);
  rt_waiter *t = rtL_shared_draw(L, w);
  if (!rt_notify_wait(n, t)) return rtL_shared_wait(L, w, t, RT_OP_NOTIFY, wait_k);
  rt_waiter_free(t);
  return notified(L);
}

static int wait_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_wait(L, w, check_notify(L, w));
}

/* true = notify:wait() */
static int notify_wait(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_notify *n = check_notify(L, w);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, wait_later, 0);
  return do_wait(L, w, n);
}

/* --- for rt.select ------------------------------------------------------------------------------------ */
static rt_notify *notify_of(lua_State *L, int op) {
  const rt_shared_ref *s = rtL_operation_object(L, op);
  return rt_notify_of(s->shared);
}

static int attempt_wait(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w, (void)b;
  return rt_notify_wait(notify_of(L, op), NULL) ? notified(L) : -1;
}

static bool arm_wait(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w;
  return rt_notify_await(notify_of(L, op), b->waiter);
}

static int finish_wait(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w, (void)op, (void)b;
  return notified(L);
}

static const rt_op_kind wait_kind = {"wait", true, attempt_wait, NULL, arm_wait, finish_wait};

/* op = notify:wait_op() */
static int notify_wait_op(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_notify(L, w);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &wait_kind);
}

/* notify:notify_one() */
static int notify_one(lua_State *L) {
  rt_notify_one(check_notify(L, rtL_self(L)));
  return 0;
}

/* notify:notify_all() */
static int notify_all(lua_State *L) {
  rt_notify_all(check_notify(L, rtL_self(L)));
  return 0;
}

static int notify_tostring(lua_State *L) {
  int waiting = rt_notify_inspect(check_notify(L, rtL_self(L)));
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
