/* lib/sync/channel.c - rt.channel: a bounded queue of values between tasks of any workers. */
#include "lib/operation.h"
#include "sync/channel.h"

enum { CAPACITY = 1024 }; /* if the program gives none */

static const rt_shared_kind channel_kind = {"channel", rt_channel_free, RT_CLASS_CHANNEL,
                                            &rt_channel_content};

static rt_channel *check_channel(lua_State *L) {
  return rt_channel_of(rtL_shared_check(L, rt_self(L), RT_CLASS_CHANNEL, 1)->shared);
}

/* channel = rt.channel([capacity [, options]]) */
static int new_channel(lua_State *L) {
  lua_Integer capacity = luaL_optinteger(L, 1, CAPACITY);
  luaL_argcheck(L, capacity >= 0 && capacity <= 1 << 30, 1, "a capacity from 0 to 2^30 expected");
  rtL_check_options(L, 2, "channel", "bytes");
  size_t max_bytes = rtL_option_bound(L, 2, "bytes", RT_CHANNEL_UNBOUNDED);
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_CHANNEL);
  rt_channel *c = rt_channel_new(&channel_kind, (size_t)capacity, max_bytes);
  rtL_shared_set(L, ref, c ? &c->shared : NULL);
  return 1;
}

static rt_channel *channel_of(const rt_branch *b) { return rt_channel_of(rt_branch_shared(b)); }

/* --- sending ---------------------------------------------------------------------------------- */
static int channel_sent(lua_State *L, rt_worker *w, rt_channel_result answer) {
  if (answer == RT_CHANNEL_NOMEM) return rtL_error_no_memory(L);
  if (answer == RT_CHANNEL_CLOSED) return rtL_shared_refuse_closed(L, w);
  lua_pushboolean(L, 1);
  return 1;
}

/* Pushes the values that an rt.operation sends. */
static void push_values(lua_State *L, int op) {
  int top = lua_gettop(L), n = 0;
  if (lua_getiuservalue(L, op, RT_OPERATION_ARGS) == LUA_TTABLE) {
    lua_getfield(L, -1, "n");
    n = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    luaL_checkstack(L, n + LUA_MINSTACK, "too many values");
    for (int i = 1; i <= n; i++) lua_rawgeti(L, top + 1, i);
  }
  lua_remove(L, top + 1);
}

static rt_message *pack_values(lua_State *L, rt_worker *w, const rt_branch *b) {
  if (b->op == 0) return rtL_pack(L, w, 2, RT_PACK_VALUES);
  int top = lua_gettop(L);
  push_values(L, b->op);
  rt_message *message = rtL_pack(L, w, top + 1, RT_PACK_VALUES);
  lua_settop(L, top);
  return message;
}

/* A stream among the values moves into the message when it is packed. So nothing is packed before
** the channel seems to have room, or it is certain that this code can wait; and a message that is
** not sent after all is undone, which gives the stream back. */
static int channel_send_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_channel *c = channel_of(b);
  rt_message *message = b->message; /* NULL: not packed yet */
  rt_channel_result answer = message ? RT_CHANNEL_DONE : rt_channel_check_send(c);
  if (answer == RT_CHANNEL_WAITS) return -1;
  if (answer == RT_CHANNEL_CLOSED) return channel_sent(L, w, answer);
  if (message == NULL) message = pack_values(L, w, b);
  answer = rt_channel_send(c, message);
  if (answer == RT_CHANNEL_WAITS && b->message) return -1;
  b->message = NULL;
  if (answer != RT_CHANNEL_DONE) rt_pack_undo(w, message);
  return answer == RT_CHANNEL_WAITS ? -1 : channel_sent(L, w, answer);
}

static void channel_send_prepare(lua_State *L, rt_worker *w, rt_branch *b) {
  b->message = pack_values(L, w, b);
}

static bool channel_send_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_channel_await_send(channel_of(b), b->waiter);
}

static int channel_send_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  if (b->message) rt_pack_undo(w, b->message); /* the channel was closed meanwhile */
  return channel_sent(L, w, (rt_channel_result)b->answer);
}

static const rt_op_kind channel_send_kind = {.name = "send",
                                             .waits_for = RT_OP_SEND,
                                             .has_waiter = true,
                                             .attempt = channel_send_attempt,
                                             .prepare = channel_send_prepare,
                                             .arm = channel_send_arm,
                                             .finish = channel_send_finish};

/* true | nil, "closed" = channel:send(...) */
static int channel_send(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_CHANNEL, 1);
  return rtL_operation_run(L, w, &channel_send_kind, ref, 0);
}

/* op = channel:send_op(...) */
static int channel_send_op(lua_State *L) {
  check_channel(L);
  return rtL_operation_new(L, rt_self(L), &channel_send_kind, 0);
}

/* true | nil, "full" or "closed" = channel:try_send(...) */
static int channel_try_send(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_branch b = {.object = rtL_shared_check(L, w, RT_CLASS_CHANNEL, 1)};
  int results = channel_send_attempt(L, w, &b);
  return results < 0 ? rtL_shared_refuse(L, "full") : results;
}

/* --- receiving -------------------------------------------------------------------------------- */
/* Takes over the message; NULL: the channel is closed. */
static int channel_received(lua_State *L, rt_worker *w, rt_message *message) {
  return message ? rtL_unpack_last(L, w, message) : rtL_shared_refuse_closed(L, w);
}

static int channel_recv_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_message *message;
  rt_channel_result answer = rt_channel_recv(channel_of(b), &message);
  return answer == RT_CHANNEL_WAITS ? -1 : channel_received(L, w, message);
}

static bool channel_recv_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return rt_channel_await_recv(channel_of(b), b->waiter);
}

static int channel_recv_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return channel_received(L, w, b->message);
}

static const rt_op_kind channel_recv_kind = {.name = "recv",
                                             .waits_for = RT_OP_RECEIVE,
                                             .has_waiter = true,
                                             .attempt = channel_recv_attempt,
                                             .arm = channel_recv_arm,
                                             .finish = channel_recv_finish};

/* ... | nil, "closed" = channel:recv() */
static int channel_recv(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_CHANNEL, 1);
  return rtL_operation_run(L, w, &channel_recv_kind, ref, 0);
}

/* op = channel:recv_op() */
static int channel_recv_op(lua_State *L) {
  check_channel(L);
  lua_settop(L, 1);
  return rtL_operation_new(L, rt_self(L), &channel_recv_kind, 0);
}

/* ... | nil, "empty" or "closed" = channel:try_recv() */
static int channel_try_recv(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_branch b = {.object = rtL_shared_check(L, w, RT_CLASS_CHANNEL, 1)};
  int results = channel_recv_attempt(L, w, &b);
  return results < 0 ? rtL_shared_refuse(L, "empty") : results;
}

/* --- loops ------------------------------------------------------------------------------------ */
/* As channel_received. */
static int channel_item(lua_State *L, rt_worker *w, rt_message *message) {
  int values = channel_received(L, w, message);
  return message ? rtL_shared_item(L, w, values) : values;
}

static int channel_next_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_message *message;
  rt_channel_result answer = rt_channel_recv(channel_of(b), &message);
  return answer == RT_CHANNEL_WAITS ? -1 : channel_item(L, w, message);
}

static int channel_next_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return channel_item(L, w, b->message);
}

static const rt_op_kind channel_next_kind = {.name = "next",
                                             .waits_for = RT_OP_RECEIVE,
                                             .has_waiter = true,
                                             .attempt = channel_next_attempt,
                                             .arm = channel_recv_arm,
                                             .finish = channel_next_finish};

/* __call: for ... in channel do */
static int channel_next(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_CHANNEL, 1);
  return rtL_operation_run(L, w, &channel_next_kind, ref, 0);
}

/* for ... in channel:iter() do */
static int channel_iter(lua_State *L) {
  check_channel(L);
  return rtL_shared_iterate(L, rt_self(L), channel_next);
}

/* --- the rest --------------------------------------------------------------------------------- */
/* channel:close() */
static int channel_close(lua_State *L) {
  rt_channel_close(check_channel(L));
  return 0;
}

/* __close */
static int channel_end(lua_State *L) { return rtL_shared_end(L, RT_CLASS_CHANNEL, channel_close); }

static int channel_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rt_channel_count(check_channel(L)));
  return 1;
}

static int channel_tostring(lua_State *L) {
  rt_channel *c = check_channel(L);
  const char *closed = rt_channel_is_closed(c) ? ", closed" : "";
  LUAI_UACINT count = (LUAI_UACINT)rt_channel_count(c), capacity = (LUAI_UACINT)c->capacity;
  if (c->max_bytes == RT_CHANNEL_UNBOUNDED)
    lua_pushfstring(L, "rt.channel (%I of %I%s)", count, capacity, closed);
  else
    lua_pushfstring(L, "rt.channel (%I of %I, %I of %I bytes%s)", count, capacity,
                    (LUAI_UACINT)rt_channel_bytes(c), (LUAI_UACINT)c->max_bytes, closed);
  return 1;
}

void rtL_open_channel(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__call", channel_next},
                                  {"__close", channel_end},
                                  {"__len", channel_len},
                                  {"__tostring", channel_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"send", channel_send},         {"recv", channel_recv},   {"try_send", channel_try_send},
      {"try_recv", channel_try_recv}, {"iter", channel_iter},   {"recv_op", channel_recv_op},
      {"send_op", channel_send_op},   {"close", channel_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"channel", new_channel}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_CHANNEL, &(rt_class_def){meta, methods, NULL});
  rtL_set_functions(L, w, functions);
}
