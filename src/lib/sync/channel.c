/* lib/sync/channel.c - rt.channel: values from task to task, in whatever state they run. */
#include "sync/channel.h"
#include "lib/operation.h"
#include "lib/shared.h"

enum { CAPACITY = 1024 };

static const rt_shared_kind kind = {"channel", rt_channel_free, RT_CLASS_CHANNEL};

static rt_channel *check_channel(lua_State *L) {
  return rt_channel_of(rtL_shared_check(L, rtL_self(L), RT_CLASS_CHANNEL, 1)->shared);
}

/* channel = rt.channel([capacity]) */
static int new_channel(lua_State *L) {
  lua_Integer capacity = luaL_optinteger(L, 1, CAPACITY);
  luaL_argcheck(L, capacity >= 0 && capacity <= 1 << 30, 1, "a capacity from 0 to 2^30 expected");
  rt_shared_ref *ref = rtL_shared_new(L, rtL_self(L), RT_CLASS_CHANNEL);
  rt_channel *c = rt_channel_new(&kind, (size_t)capacity);
  rtL_shared_set(L, ref, c ? &c->shared : NULL);
  return 1;
}

/* --- sending ----------------------------------------------------------------------------------------- */
static int sent(lua_State *L, rt_worker *w, rt_channel_result answer) {
  if (answer == RT_CHANNEL_NOMEM) return rtL_no_memory(L);
  if (answer == RT_CHANNEL_CLOSED) return rtL_shared_refuse_closed(L, w);
  lua_pushboolean(L, 1);
  return 1;
}

/* A message that is still with its waiter has come to nothing. */
static void take_back(rt_worker *w, rt_waiter *t) {
  if (t->message) rt_pack_undo(w, t->message);
  t->message = NULL;
}

static int send_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rt_waiter *t = (rt_waiter *)waiter;
  bool called = rt_waiter_withdraw(t);
  rt_channel_result answer = (rt_channel_result)t->answer;
  take_back(w, t);
  rt_waiter_free(t);
  if (!called) rtL_wait_over(L, w);
  rtL_wait_happened(w);
  return sent(L, w, answer);
}

/* What has been packed may have moved: so it is asked before whether this code can wait. */
static void prepare(lua_State *L, rt_worker *w, rt_channel *c) {
  rt_task *me = w->running;
  if (rt_likely(rtL_wait_is_plain(L, w, me)) || rt_channel_can_send(c)) return;
  rtL_wait_examine(L, w, me);
}

/* Stack: the channel, the values. */
static int do_send(lua_State *L, rt_worker *w, rt_channel *c) {
  if (rt_channel_is_closed(c)) return rtL_shared_refuse_closed(L, w); /* nothing is moved then */
  prepare(L, w, c);
  rt_message *p = rtL_pack(L, w, 2, RT_PACK_VALUES);
  rt_channel_result answer = rt_channel_send(c, p, NULL);
  if (rt_likely(answer == RT_CHANNEL_DONE)) return sent(L, w, answer);
  if (answer == RT_CHANNEL_WAITS) {                     /* it must: once more, with a waiter */
    if (rt_unlikely(!rtL_wait_may(L, w, w->running))) { /* (there was room, and it has gone) */
      rt_pack_undo(w, p);
      rtL_wait_examine(L, w, w->running);
      return luaL_error(L, "cannot wait here");
    }
    rt_waiter *t = rt_waiter_new(&w->driver);
    answer = t ? rt_channel_send(c, p, t) : RT_CHANNEL_NOMEM;
    if (answer == RT_CHANNEL_WAITS) {
      rt_waiter_park(t, w->running, RT_OP_SEND);
      return rtL_wait(L, w, send_k, (lua_KContext)t);
    }
    if (t) rt_waiter_free(t);
  }
  if (answer != RT_CHANNEL_DONE) rt_pack_undo(w, p);
  return sent(L, w, answer);
}

static int send_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_send(L, w, check_channel(L));
}

/* true | nil, "closed" = channel:send(...) */
static int channel_send(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_channel *c = check_channel(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, send_later, 0);
  return do_send(L, w, c);
}

/* true | nil, "full" or "closed" = channel:try_send(...) */
static int channel_try_send(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_channel *c = check_channel(L);
  if (rt_channel_is_closed(c)) return rtL_shared_refuse_closed(L, w);
  if (!rt_channel_can_send(c)) return rtL_shared_refuse(L, "full"); /* nothing is moved then */
  rt_message *p = rtL_pack(L, w, 2, RT_PACK_VALUES);
  rt_channel_result answer = rt_channel_send(c, p, NULL);
  if (answer != RT_CHANNEL_DONE) rt_pack_undo(w, p);
  return answer == RT_CHANNEL_WAITS ? rtL_shared_refuse(L, "full") : sent(L, w, answer);
}

/* --- receiving ------------------------------------------------------------------------------------------ */
static int recv_k(lua_State *L, int status, lua_KContext waiter) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rt_message *p;
  rtL_shared_called(L, w, waiter, &p);
  return p ? rtL_unpack_last(L, w, p) : rtL_shared_refuse_closed(L, w);
}

static int do_recv(lua_State *L, rt_worker *w, rt_channel *c) {
  rt_message *p;
  rt_channel_result answer = rt_channel_recv(c, &p, NULL);
  if (answer == RT_CHANNEL_DONE) return rtL_unpack_last(L, w, p);
  if (answer == RT_CHANNEL_CLOSED) return rtL_shared_refuse_closed(L, w);
  rtL_wait_prepare(L, w, w->running);
  rt_waiter *t = rtL_shared_draw(L, w);
  answer = rt_channel_recv(c, &p, t);
  if (answer == RT_CHANNEL_WAITS) {
    rt_waiter_park(t, w->running, RT_OP_RECEIVE);
    return rtL_wait(L, w, recv_k, (lua_KContext)t);
  }
  rt_waiter_free(t);
  return answer == RT_CHANNEL_DONE ? rtL_unpack_last(L, w, p) : rtL_shared_refuse_closed(L, w);
}

static int recv_later(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rtL_wait_turned(L, w);
  return do_recv(L, w, check_channel(L));
}

/* ... | nil, "closed" = channel:recv() */
static int channel_recv(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_channel *c = check_channel(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rtL_wait_must_yield(L, w, t)) return rtL_wait(L, w, recv_later, 0);
  return do_recv(L, w, c);
}

/* ... | nil, "empty" or "closed" = channel:try_recv() */
static int channel_try_recv(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_channel *c = check_channel(L);
  rt_message *p;
  rt_channel_result answer = rt_channel_recv(c, &p, NULL);
  if (answer == RT_CHANNEL_DONE) return rtL_unpack_last(L, w, p);
  return answer == RT_CHANNEL_CLOSED ? rtL_shared_refuse_closed(L, w)
                                     : rtL_shared_refuse(L, "empty");
}

/* for ... in channel:iter() do */
static int channel_iter(lua_State *L) {
  check_channel(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, channel_recv, 1);
  lua_pushvalue(L, 1);
  return 2;
}

/* --- for rt.select ---------------------------------------------------------------------------------- */
static rt_channel *channel_of(lua_State *L, int op) {
  const rt_shared_ref *ref = rtL_operation_object(L, op);
  if (rt_unlikely(ref->shared == NULL)) rtL_shared_finalized(L, op);
  return rt_channel_of(ref->shared);
}

static int attempt_recv(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_message *p;
  (void)b;
  rt_channel_result answer = rt_channel_recv(channel_of(L, op), &p, NULL);
  if (answer == RT_CHANNEL_DONE) return rtL_unpack_last(L, w, p);
  return answer == RT_CHANNEL_CLOSED ? rtL_shared_refuse_closed(L, w) : -1;
}

static bool arm_recv(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w;
  return rt_channel_await_recv(channel_of(L, op), b->waiter);
}

static int finish_recv(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)op;
  return b->message ? rtL_unpack_last(L, w, b->message) : rtL_shared_refuse_closed(L, w);
}

static rt_message *pack_args(lua_State *L, rt_worker *w, int op) {
  int top = lua_gettop(L), n = 0;
  if (lua_getiuservalue(L, op, RT_OPERATION_ARGS) == LUA_TTABLE) {
    lua_getfield(L, -1, "n");
    n = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    luaL_checkstack(L, n + LUA_MINSTACK, "too many values");
    for (int i = 1; i <= n; i++) lua_rawgeti(L, top + 1, i);
  }
  lua_remove(L, top + 1);
  rt_message *p = rtL_pack(L, w, top + 1, RT_PACK_VALUES);
  lua_settop(L, top);
  return p;
}

static void prepare_send(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  b->message = pack_args(L, w, op);
}

static int attempt_send(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_channel *c = channel_of(L, op);
  if (rt_channel_is_closed(c)) return rtL_shared_refuse_closed(L, w);
  if (!rt_channel_can_send(c)) return -1; /* (a glance: packing is dear) */
  rt_message *p = b && b->message ? b->message : pack_args(L, w, op);
  if (b) b->message = NULL;
  rt_channel_result answer = rt_channel_send(c, p, NULL);
  if (answer == RT_CHANNEL_WAITS && b) {
    b->message = p;
    return -1;
  }
  if (answer != RT_CHANNEL_DONE) rt_pack_undo(w, p);
  return answer == RT_CHANNEL_WAITS ? -1 : sent(L, w, answer);
}

static bool arm_send(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)w;
  b->waiter->message = b->message;
  b->message = NULL;
  return rt_channel_await_send(channel_of(L, op), b->waiter);
}

static int finish_send(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  (void)op;
  if (b->message) rt_pack_undo(w, b->message); /* the channel was closed */
  return sent(L, w, (rt_channel_result)b->answer);
}

static const rt_op_kind recv_kind = {"recv", true, attempt_recv, NULL, arm_recv, finish_recv};
static const rt_op_kind send_kind = {"send",       true,     attempt_send,
                                     prepare_send, arm_send, finish_send};

/* op = channel:recv_op() */
static int channel_recv_op(lua_State *L) {
  check_channel(L);
  lua_settop(L, 1);
  return rtL_operation_new(L, rtL_self(L), &recv_kind);
}

/* op = channel:send_op(...) */
static int channel_send_op(lua_State *L) {
  check_channel(L);
  return rtL_operation_new(L, rtL_self(L), &send_kind);
}

/* --- the rest --------------------------------------------------------------------------------------------- */
/* channel:close(), and __close */
static int channel_close(lua_State *L) {
  rt_channel_close(check_channel(L));
  return 0;
}

static int channel_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rt_channel_count(check_channel(L)));
  return 1;
}

static int channel_tostring(lua_State *L) {
  rt_channel *c = check_channel(L);
  lua_pushfstring(L, "rt.channel (%I of %I%s)", (LUAI_UACINT)rt_channel_count(c),
                  (LUAI_UACINT)c->capacity, rt_channel_is_closed(c) ? ", closed" : "");
  return 1;
}

void rtL_open_channel(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__close", channel_close},
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
