/* lib/sync/watch.c - rt.watch: the latest value, and waiting for the next.
**
** The version of a value is the number of values that were set until then, the first one included:
** so it is the number of the message with the value after it.
*/
#include "lib/operation.h"
#include "sync/broadcast.h"

static const rt_shared_kind watch_kind = {"watch", rt_broadcast_free, RT_CLASS_WATCH,
                                          &rt_broadcast_content};
static const rt_shared_kind watcher_kind = {"watcher", rt_receiver_free, RT_CLASS_WATCHER,
                                            &rt_receiver_content};

static rt_broadcast *check_watch(lua_State *L, rt_worker *w) {
  return rt_broadcast_of(rtL_shared_check(L, w, RT_CLASS_WATCH, 1)->shared);
}

static rt_receiver *check_watcher(lua_State *L, rt_worker *w) {
  return rt_receiver_of(rtL_shared_check(L, w, RT_CLASS_WATCHER, 1)->shared);
}

/* --- the value -------------------------------------------------------------------------------- */
static bool send_or_drop(rt_broadcast *broadcast, rt_message *message) {
  if (rt_broadcast_send(broadcast, message)) return true;
  rt_message_drop(message);
  return false;
}

/* watch = rt.watch(...) */
static int new_watch(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_new(L, w, RT_CLASS_WATCH);
  rt_broadcast *broadcast = rt_broadcast_new(&watch_kind, 1, true);
  rtL_shared_set(L, ref, broadcast ? &broadcast->shared : NULL);
  lua_insert(L, 1);
  rt_message *message = rtL_pack(L, w, 2, RT_PACK_KEPT);
  send_or_drop(broadcast, message);
  lua_settop(L, 1);
  return 1;
}

/* ... = watch:get() */
static int watch_get(lua_State *L) {
  rt_worker *w = rt_self(L);
  return rtL_unpack_last(L, w, rt_broadcast_last(check_watch(L, w)));
}

/* n = watch:version() */
static int watch_version(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rt_broadcast_sent(check_watch(L, rt_self(L))));
  return 1;
}

/* true | nil, "closed" = watch:set(...) */
static int watch_set(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_broadcast *broadcast = check_watch(L, w);
  rt_message *message = rtL_pack(L, w, 2, RT_PACK_KEPT);
  if (!send_or_drop(broadcast, message)) return rtL_shared_refuse_closed(L, w);
  lua_pushboolean(L, 1);
  return 1;
}

/* watch:close() */
static int watch_close(lua_State *L) {
  rt_broadcast_close(check_watch(L, rt_self(L)));
  return 0;
}

/* __close */
static int watch_end(lua_State *L) { return rtL_shared_end(L, RT_CLASS_WATCH, watch_close); }

static int watch_tostring(lua_State *L) {
  uint64_t messages;
  bool closed;
  int watchers = rt_broadcast_inspect(check_watch(L, rt_self(L)), &messages, &closed);
  lua_pushfstring(L, "rt.watch (%d watchers%s)", watchers, closed ? ", closed" : "");
  return 1;
}

/* --- waiting for a change --------------------------------------------------------------------- */
/* Takes over the message, with the new value; NULL: the watch is closed. */
static int watcher_received(lua_State *L, rt_worker *w, rt_message *message) {
  return message ? rtL_unpack_last(L, w, message) : rtL_shared_refuse_closed(L, w);
}

static rt_receiver *watcher_of(const rt_branch *b) { return rt_receiver_of(rt_branch_shared(b)); }

static int watcher_recv_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_message *message;
  uint64_t lost;
  rt_broadcast_result answer = rt_receiver_recv(watcher_of(b), &message, &lost);
  return answer == RT_BROADCAST_WAITS ? -1 : watcher_received(L, w, message);
}

static bool watcher_recv_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_receiver_await(watcher_of(b), b->waiter);
}

static int watcher_recv_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return watcher_received(L, w, b->message);
}

static const rt_op_kind watcher_recv_kind = {.name = "recv",
                                             .waits_for = RT_OP_CHANGE,
                                             .has_waiter = true,
                                             .attempt = watcher_recv_attempt,
                                             .arm = watcher_recv_arm,
                                             .finish = watcher_recv_finish};

/* The number of the first value to receive: the optional argument 2, a version of the watch. */
static uint64_t check_version(lua_State *L, rt_broadcast *broadcast) {
  if (lua_isnoneornil(L, 2)) return RT_BROADCAST_NOW;
  lua_Integer version = luaL_checkinteger(L, 2);
  luaL_argcheck(L, version >= 0 && (uint64_t)version <= rt_broadcast_sent(broadcast), 2,
                "a version of this watch expected");
  return (uint64_t)version;
}

static rt_shared_ref *push_watcher(lua_State *L, rt_worker *w) {
  rt_broadcast *broadcast = check_watch(L, w);
  uint64_t next = check_version(L, broadcast);
  rt_shared_ref *ref = rtL_shared_new(L, w, RT_CLASS_WATCHER);
  rt_receiver *r = rt_receiver_new(&watcher_kind, broadcast, next);
  rtL_shared_set(L, ref, r ? &r->shared : NULL);
  return ref;
}

/* watcher = watch:subscribe([version]) */
static int watch_subscribe(lua_State *L) {
  push_watcher(L, rt_self(L));
  return 1;
}

/* ... | nil, "closed" = watch:changed([version]): the latest value, as soon as it is newer than
** that version; without a version, the first value set from now on */
static int watch_changed(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *watcher = push_watcher(L, w);
  lua_replace(L, 1);
  return rtL_operation_run(L, w, &watcher_recv_kind, watcher, 0);
}

/* ... | nil, "closed" = watcher:recv(): the latest value, as soon as it is one that this watcher
** has not returned yet */
static int watcher_recv(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *watcher = rtL_shared_check(L, w, RT_CLASS_WATCHER, 1);
  return rtL_operation_run(L, w, &watcher_recv_kind, watcher, 0);
}

/* op = watcher:recv_op() */
static int watcher_recv_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  check_watcher(L, w);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &watcher_recv_kind, 0);
}

/* ... | nil, "empty" or "closed" = watcher:try_recv() */
static int watcher_try_recv(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_branch b = {.object = rtL_shared_check(L, w, RT_CLASS_WATCHER, 1)};
  int results = watcher_recv_attempt(L, w, &b);
  return results < 0 ? rtL_shared_refuse(L, "empty") : results;
}

/* --- loops ------------------------------------------------------------------------------------ */
/* As watcher_received. */
static int watcher_item(lua_State *L, rt_worker *w, rt_message *message) {
  int values = watcher_received(L, w, message);
  return message ? rtL_shared_item(L, w, values) : values;
}

static int watcher_next_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_message *message;
  uint64_t lost;
  rt_broadcast_result answer = rt_receiver_recv(watcher_of(b), &message, &lost);
  return answer == RT_BROADCAST_WAITS ? -1 : watcher_item(L, w, message);
}

static int watcher_next_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return watcher_item(L, w, b->message);
}

static const rt_op_kind watcher_next_kind = {.name = "next",
                                             .waits_for = RT_OP_CHANGE,
                                             .has_waiter = true,
                                             .attempt = watcher_next_attempt,
                                             .arm = watcher_recv_arm,
                                             .finish = watcher_next_finish};

/* __call: for ... in watcher do */
static int watcher_next(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *watcher = rtL_shared_check(L, w, RT_CLASS_WATCHER, 1);
  return rtL_operation_run(L, w, &watcher_next_kind, watcher, 0);
}

/* for ... in watcher:iter() do */
static int watcher_iter(lua_State *L) {
  check_watcher(L, rt_self(L));
  return rtL_shared_iterate(L, rt_self(L), watcher_next);
}

/* --- the rest of a watcher -------------------------------------------------------------------- */
/* watcher:close() */
static int watcher_close(lua_State *L) {
  rt_receiver_close(check_watcher(L, rt_self(L)));
  return 0;
}

/* __close */
static int watcher_end(lua_State *L) { return rtL_shared_end(L, RT_CLASS_WATCHER, watcher_close); }

static int watcher_tostring(lua_State *L) {
  bool closed;
  uint64_t behind = rt_receiver_unread(check_watcher(L, rt_self(L)), &closed);
  lua_pushfstring(L, "rt.watcher (%s)",
                  closed       ? "closed"
                  : behind > 0 ? "there is a new value"
                               : "has seen the latest value");
  return 1;
}

void rtL_open_watch(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {
      {"__tostring", watch_tostring}, {"__close", watch_end}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"get", watch_get},
                                     {"set", watch_set},
                                     {"version", watch_version},
                                     {"changed", watch_changed},
                                     {"close", watch_close},
                                     {"subscribe", watch_subscribe},
                                     {NULL, NULL}};
  static const luaL_Reg watcher_meta[] = {{"__call", watcher_next},
                                          {"__tostring", watcher_tostring},
                                          {"__close", watcher_end},
                                          {NULL, NULL}};
  static const luaL_Reg watcher_methods[] = {
      {"recv", watcher_recv}, {"recv_op", watcher_recv_op}, {"try_recv", watcher_try_recv},
      {"iter", watcher_iter}, {"close", watcher_close},     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"watch", new_watch}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_WATCH, &(rt_class_def){meta, methods, NULL});
  rtL_shared_class(L, w, RT_CLASS_WATCHER, &(rt_class_def){watcher_meta, watcher_methods, NULL});
  rtL_set_functions(L, w, functions);
}
