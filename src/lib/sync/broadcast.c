/* lib/sync/broadcast.c - rt.broadcast: every subscriber receives every message. */
#include "lib/operation.h"
#include "sync/broadcast.h"

static const rt_shared_kind broadcast_kind = {"broadcast", rt_broadcast_free, RT_CLASS_BROADCAST,
                                              &rt_broadcast_content};
static const rt_shared_kind subscriber_kind = {"subscriber", rt_receiver_free, RT_CLASS_SUBSCRIBER,
                                               &rt_receiver_content};

static rt_broadcast *check_broadcast(lua_State *L, rt_worker *w) {
  return rt_broadcast_of(rtL_shared_check(L, w, RT_CLASS_BROADCAST, 1)->shared);
}

static rt_receiver *check_subscriber(lua_State *L, rt_worker *w) {
  return rt_receiver_of(rtL_shared_check(L, w, RT_CLASS_SUBSCRIBER, 1)->shared);
}

/* broadcast = rt.broadcast(capacity) */
static int new_broadcast(lua_State *L) {
  lua_Integer capacity = luaL_checkinteger(L, 1);
  luaL_argcheck(L, capacity >= 1 && capacity <= 1 << 20, 1, "a capacity from 1 to 2^20 expected");
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_BROADCAST);
  rt_broadcast *broadcast = rt_broadcast_new(&broadcast_kind, (size_t)capacity, false);
  rtL_shared_set(L, ref, broadcast ? &broadcast->shared : NULL);
  return 1;
}

/* --- sending ---------------------------------------------------------------------------------- */
/* true | nil, "closed" = broadcast:send(...) */
static int broadcast_send(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_broadcast *broadcast = check_broadcast(L, w);
  rt_message *message = rtL_pack(L, w, 2, RT_PACK_KEPT);
  if (!rt_broadcast_send(broadcast, message)) {
    rt_message_drop(message);
    return rtL_shared_refuse_closed(L, w);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* broadcast:close() */
static int broadcast_close(lua_State *L) {
  rt_broadcast_close(check_broadcast(L, rt_self(L)));
  return 0;
}

/* __close */
static int broadcast_end(lua_State *L) {
  return rtL_shared_end(L, RT_CLASS_BROADCAST, broadcast_close);
}

static int broadcast_tostring(lua_State *L) {
  uint64_t messages;
  bool closed;
  rt_broadcast *broadcast = check_broadcast(L, rt_self(L));
  int subscribers = rt_broadcast_inspect(broadcast, &messages, &closed);
  lua_pushfstring(L, "rt.broadcast (%I of %I, %d subscribers%s)", (LUAI_UACINT)messages,
                  (LUAI_UACINT)broadcast->capacity, subscribers, closed ? ", closed" : "");
  return 1;
}

/* --- receiving -------------------------------------------------------------------------------- */
/* subscriber = broadcast:subscribe() */
static int broadcast_subscribe(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_broadcast *broadcast = check_broadcast(L, w);
  rt_shared_ref *ref = rtL_shared_new(L, w, RT_CLASS_SUBSCRIBER);
  rt_receiver *r = rt_receiver_new(&subscriber_kind, broadcast, RT_BROADCAST_NOW);
  rtL_shared_set(L, ref, r ? &r->shared : NULL);
  return 1;
}

static int subscriber_received(lua_State *L, rt_worker *w, rt_broadcast_result answer,
                               rt_message *message, uint64_t lost) {
  if (answer == RT_BROADCAST_DONE) return rtL_unpack_last(L, w, message);
  if (answer == RT_BROADCAST_CLOSED) return rtL_shared_refuse_closed(L, w);
  rtL_shared_refuse(L, "lagged");
  lua_pushinteger(L, (lua_Integer)lost);
  return 3;
}

static rt_receiver *subscriber_of(const rt_branch *b) {
  return rt_receiver_of(rt_branch_shared(b));
}

static int subscriber_recv_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_message *message;
  uint64_t lost;
  rt_broadcast_result answer = rt_receiver_recv(subscriber_of(b), &message, &lost);
  return answer == RT_BROADCAST_WAITS ? -1 : subscriber_received(L, w, answer, message, lost);
}

static bool subscriber_recv_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_receiver_await(subscriber_of(b), b->waiter);
}

static int subscriber_recv_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return subscriber_received(L, w, (rt_broadcast_result)b->answer, b->message, 0);
}

static const rt_op_kind subscriber_recv_kind = {.name = "recv",
                                                .waits_for = RT_OP_RECEIVE,
                                                .has_waiter = true,
                                                .attempt = subscriber_recv_attempt,
                                                .arm = subscriber_recv_arm,
                                                .finish = subscriber_recv_finish};

/* ... | nil, "lagged", n | nil, "closed" = subscriber:recv() */
static int subscriber_recv(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_SUBSCRIBER, 1);
  return rtL_operation_run(L, w, &subscriber_recv_kind, ref, 0);
}

/* op = subscriber:recv_op() */
static int subscriber_recv_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  check_subscriber(L, w);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &subscriber_recv_kind, 0);
}

/* ... | nil, "empty", "lagged" or "closed" = subscriber:try_recv() */
static int subscriber_try_recv(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_branch b = {.object = rtL_shared_check(L, w, RT_CLASS_SUBSCRIBER, 1)};
  int results = subscriber_recv_attempt(L, w, &b);
  return results < 0 ? rtL_shared_refuse(L, "empty") : results;
}

/* --- loops ------------------------------------------------------------------------------------ */
/* Takes over the message; NULL: there will be none. */
static int subscriber_item(lua_State *L, rt_worker *w, rt_message *message) {
  return message ? rtL_shared_item(L, w, rtL_unpack_last(L, w, message))
                 : rtL_shared_refuse_closed(L, w);
}

/* (Messages that are lost are passed over.) */
static int subscriber_next_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_message *message;
  uint64_t lost;
  rt_broadcast_result answer;
  do answer = rt_receiver_recv(subscriber_of(b), &message, &lost);
  while (answer == RT_BROADCAST_LAGGED);
  return answer == RT_BROADCAST_WAITS ? -1 : subscriber_item(L, w, message);
}

static int subscriber_next_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return subscriber_item(L, w, b->message);
}

static const rt_op_kind subscriber_next_kind = {.name = "next",
                                                .waits_for = RT_OP_RECEIVE,
                                                .has_waiter = true,
                                                .attempt = subscriber_next_attempt,
                                                .arm = subscriber_recv_arm,
                                                .finish = subscriber_next_finish};

/* __call: for ... in subscriber do */
static int subscriber_next(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_SUBSCRIBER, 1);
  return rtL_operation_run(L, w, &subscriber_next_kind, ref, 0);
}

/* for ... in subscriber:iter() do */
static int subscriber_iter(lua_State *L) {
  check_subscriber(L, rt_self(L));
  return rtL_shared_iterate(L, rt_self(L), subscriber_next);
}

/* --- the rest of a subscriber ----------------------------------------------------------------- */
/* subscriber:close() */
static int subscriber_close(lua_State *L) {
  rt_receiver_close(check_subscriber(L, rt_self(L)));
  return 0;
}

/* __close */
static int subscriber_end(lua_State *L) {
  return rtL_shared_end(L, RT_CLASS_SUBSCRIBER, subscriber_close);
}

static int subscriber_tostring(lua_State *L) {
  bool closed;
  uint64_t behind = rt_receiver_unread(check_subscriber(L, rt_self(L)), &closed);
  if (closed)
    lua_pushliteral(L, "rt.subscriber (closed)");
  else
    lua_pushfstring(L, "rt.subscriber (%I behind)", (LUAI_UACINT)behind);
  return 1;
}

void rtL_open_broadcast(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {
      {"__tostring", broadcast_tostring}, {"__close", broadcast_end}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"send", broadcast_send},
                                     {"subscribe", broadcast_subscribe},
                                     {"close", broadcast_close},
                                     {NULL, NULL}};
  static const luaL_Reg subscriber_meta[] = {{"__call", subscriber_next},
                                             {"__tostring", subscriber_tostring},
                                             {"__close", subscriber_end},
                                             {NULL, NULL}};
  static const luaL_Reg subscriber_methods[] = {
      {"recv", subscriber_recv}, {"try_recv", subscriber_try_recv}, {"recv_op", subscriber_recv_op},
      {"iter", subscriber_iter}, {"close", subscriber_close},       {NULL, NULL}};
  static const luaL_Reg functions[] = {{"broadcast", new_broadcast}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_BROADCAST, &(rt_class_def){meta, methods, NULL});
  rtL_shared_class(L, w, RT_CLASS_SUBSCRIBER,
                   &(rt_class_def){subscriber_meta, subscriber_methods, NULL});
  rtL_set_functions(L, w, functions);
}
