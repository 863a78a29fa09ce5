/* lib/sync/watch.c - rt.watch: the latest value, and waiting for another. */
#include "sync/broadcast.h"
#include "lib/operation.h"
#include "lib/shared.h"

static const rt_shared_kind kind = {"watch", rt_broadcast_free, RT_CLASS_WATCH};
static const rt_shared_kind watcher_kind = {"watcher", rt_receiver_free, RT_CLASS_WATCHER};

static rt_broadcast *check_watch(lua_State *L, rt_worker *w) {
  return rt_broadcast_of(rtL_shared_check(L, w, RT_CLASS_WATCH, 1)->shared);
}

static rt_receiver *check_watcher(lua_State *L, rt_worker *w, int index) {
  return rt_receiver_of(rtL_shared_check(L, w, RT_CLASS_WATCHER, index)->shared);
}

/* --- the value -------------------------------------------------------------------------------------- */
static bool put(rt_broadcast *f, rt_message *p) {
  if (rt_broadcast_send(f, p)) return true;
  rt_message_drop(p);
  return false;
}

/* watch = rt.watch(...) */
static int new_watch(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_shared_ref *s = rtL_shared_new(L, w, RT_CLASS_WATCH);
  rt_broadcast *f = rt_broadcast_new(&kind, 1, true);
  rtL_shared_set(L, s, f ? &f->shared : NULL);
  lua_insert(L, 1);
  rt_message *p = rtL_pack(L, w, 2, RT_PACK_KEPT);
  put(f, p);
  lua_settop(L, 1);
  return 1;
}

/* ... = watch:get() */
static int watch_get(lua_State *L) {
  rt_worker *w = rtL_self(L);
  return rtL_unpack_last(L, w, rt_broadcast_last(check_watch(L, w)));
}

/* true | nil, "closed" = watch:set(...) */
static int watch_set(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_broadcast *f = check_watch(L, w);
  rt_message *p = rtL_pack(L, w, 2, RT_PACK_KEPT);
  if (!put(f, p)) return rtL_shared_refuse_closed(L, w);
  lua_pushboolean(L, 1);
  return 1;
}

/* watch:close() */
static int watch_close(lua_State *L) {
  rt_broadcast_close(check_watch(L, rtL_self(L)));
  return 0;
}

static int watch_tostring(lua_State *L) {
  uint64_t messages;
  bool closed;
  int watchers = rt_broadcast_inspect(check_watch(L, rtL_self(L)), &messages, &closed);
  lua_pushfstring(L, "rt.watch (%d watchers%s)", watchers, closed ? ", closed" : "");
  return 1;
}

/* --- waiting for a change --------------------------------------------------------------------------- */
/* What a wait ends with: the new value, or nil, "closed".  The message goes. */
static int changed(lua_State *L, rt_worker *w, rt_message *p) {
  return p ? rtL_unpack_last(L, w, p) : rtL_shared_refuse_closed(L, w);
}

static int wait_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rt_message *p;
  rtL_shared_called(L, w, waiter, &p);
  return changed(L, w, p);
}

/* The watcher is at the top of the stack, and stays. */
static int do_wait(lua_State *L, rt_worker *w, rt_receiver *r) {
  rt_message *p;
  uint64_t lost;
  if (rt_receiver_recv(r, &p, &lost, NULL) != RT_BROADCAST_WAITS) return changed(L, w, p);
  rtL_wait_prepare(L, w, w->running);
  rt_waiter *t = rtL_shared_draw(L, w);
  if (rt_receiver_recv(r, &p, &lost, t) == RT_BROADCAST_WAITS)
    return rtL_shared_wait(L, w, t, RT_OP_CHANGE, wait_k);
  rt_waiter_free(t);
  return changed(L, w, p);
}

static int wait_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_wait(L, w, check_watcher(L, w, -1));
}

static rt_receiver *push_watcher(lua_State *L, rt_worker *w, rt_broadcast *f) {
  rt_shared_ref *s = rtL_shared_new(L, w, RT_CLASS_WATCHER);
  rt_receiver *r = rt_receiver_new(&watcher_kind, f);
  rtL_shared_set(L, s, r ? &r->shared : NULL);
  return r;
}

/* watcher = watch:subscribe() */
static int watch_subscribe(lua_State *L) {
  rt_worker *w = rtL_self(L);
  push_watcher(L, w, check_watch(L, w));
  return 1;
}

static int wait(lua_State *L, rt_worker *w, rt_receiver *r) {
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, wait_later, 0);
  return do_wait(L, w, r);
}

/* ... | nil, "closed" = watch:changed(): the first value set from now on */
static int watch_changed(lua_State *L) {
  rt_worker *w = rtL_self(L);
  return wait(L, w, push_watcher(L, w, check_watch(L, w)));
}

/* ... | nil, "closed" = watcher:wait(): a value that it has not seen, the latest */
static int watcher_wait(lua_State *L) {
  rt_worker *w = rtL_self(L);
  lua_settop(L, 1);
  return wait(L, w, check_watcher(L, w, 1));
}

/* --- for rt.select ------------------------------------------------------------------------------------ */
static rt_receiver *reader_of(lua_State *L, int op) {
  const rt_shared_ref *s = rtL_operation_object(L, op);
  return rt_receiver_of(s->shared);
}

static int attempt_wait(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_message *p;
  uint64_t lost;
  (void)b;
  rt_broadcast_result answer = rt_receiver_recv(reader_of(L, op), &p, &lost, NULL);
  return answer == RT_BROADCAST_WAITS ? -1 : changed(L, w, p);
}

static bool arm_wait(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w;
  return rt_receiver_await(reader_of(L, op), b->waiter);
}

static int finish_wait(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)op;
  return changed(L, w, b->message);
}

static const rt_op_kind wait_kind = {"wait", true, attempt_wait, NULL, arm_wait, finish_wait};

/* op = watcher:wait_op() */
static int watcher_wait_op(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_watcher(L, w, 1);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &wait_kind);
}

/* watcher:close(), and __close */
static int watcher_close(lua_State *L) {
  rt_receiver_close(check_watcher(L, rtL_self(L), 1));
  return 0;
}

static int watcher_tostring(lua_State *L) {
  bool closed;
  uint64_t behind = rt_receiver_unread(check_watcher(L, rtL_self(L), 1), &closed);
  lua_pushfstring(L, "rt.watcher (%s)",
                  closed       ? "closed"
                  : behind > 0 ? "there is a new value"
                               : "has seen the latest value");
  return 1;
}

void rtL_open_watch(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {
      {"__tostring", watch_tostring}, {"__close", watch_close}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"get", watch_get},         {"set", watch_set},
                                     {"changed", watch_changed}, {"subscribe", watch_subscribe},
                                     {"close", watch_close},     {NULL, NULL}};
  static const luaL_Reg watcher_meta[] = {
      {"__tostring", watcher_tostring}, {"__close", watcher_close}, {NULL, NULL}};
  static const luaL_Reg watcher_methods[] = {
      {"wait", watcher_wait}, {"wait_op", watcher_wait_op}, {"close", watcher_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"watch", new_watch}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_WATCH, &(rt_class_def){meta, methods, NULL});
  rtL_shared_class(L, w, RT_CLASS_WATCHER, &(rt_class_def){watcher_meta, watcher_methods, NULL});
  rtL_set_functions(L, w, functions);
}
