/* lib/net/listener.c - the methods of a listener. */
#include "lib/operation.h"
#include "lib/net/net.h"

#include <stdio.h>

static rt_listener *to_listener(lua_State *L, rt_worker *w) {
  return rtL_class_check(L, &w->classes, RT_CLASS_LISTENER, 1);
}

static rt_listener *check_listener(lua_State *L, rt_worker *w) {
  rt_listener *l = to_listener(L, w);
  if (l->sock == NULL || w->stop.closed)
    luaL_error(L, l->moved ? "attempt to use a listener that was moved to another task"
                           : "attempt to use a closed listener");
  return l;
}

#define PAUSE (100 * RT_MILLISECOND)

/* Out of descriptors: say so once, and try again in a while.  The connection stays in
** the listener's queue. */
static void warn_of_shortage(rt_listener *l, int err) {
  if (!l->warned) fprintf(stderr, "rt: accept: %s; trying again every 100 ms\n", uv_strerror(err));
  l->warned = true;
}

static void pause_accepting(rt_worker *w, rt_listener *l, int err) {
  warn_of_shortage(l, err);
  rt_task_sleep(w->running, &w->driver.wheel, rt_driver_after(&w->driver, PAUSE));
}

static int accept_again(lua_State *L, int status, lua_KContext ctx);

/* Stack: the listener, and the stream to come once there is one. */
static int accept_one(lua_State *L, rt_worker *w, rt_listener *l) {
  rt_stream *s = lua_gettop(L) == 1 ? rtL_stream_new(L, w) : lua_touserdata(L, 2);
  int fd;
  do fd = l->sock->maybe_readable ? rt_tcp_accept(l->sock->fd) : UV_EAGAIN;
  while (fd == UV_ECONNABORTED || fd == UV_EPROTO);
  if (fd == UV_EAGAIN || rt_tcp_is_shortage(fd)) {
    rt_task *t = w->running;
    l->sock->maybe_readable = fd != UV_EAGAIN;
    rtL_wait_prepare(L, w, t);
    if (fd != UV_EAGAIN) {
      pause_accepting(w, l, fd);
    } else {
      int err = rt_sock_wait(l->sock, RT_READ, t, RT_OP_ACCEPT);
      if (err != 0) return rtL_fail(L, err, NULL);
    }
    l->accepting++;
    return rtL_wait(L, w, accept_again, RT_WAITS);
  }
  if (fd < 0) return rtL_fail(L, fd, NULL);
  l->warned = false;
  if (l->nodelay) rt_tcp_nodelay(fd, true);
  int err = rt_sock_open(&s->sock, &w->driver, fd);
  return err == 0 ? 1 : rtL_fail(L, err, NULL);
}

static int accept_again(lua_State *L, int status, lua_KContext how) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rt_listener *l = lua_touserdata(L, 1);
  l->accepting--;
  rtL_wait_ended(L, w, (int)how);
  if (l->sock == NULL) return rtL_fail(L, UV_ECANCELED, "the listener was closed meanwhile");
  rt_stream_last_chance(l->sock, w->running);
  return accept_one(L, w, l);
}

/* stream | nil, message, code = listener:accept() */
static int listener_accept(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_listener *l = check_listener(L, w);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  lua_settop(L, 1);
  if (rt_unlikely(rtL_wait_must_yield(L, w, t))) {
    l->accepting++;
    return rtL_wait(L, w, accept_again, RT_GAVE_WAY);
  }
  rt_stream_last_chance(l->sock, t);
  return accept_one(L, w, l);
}

/* op = listener:accept_op(), for rt.select */
static int attempt_accept(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_listener *l = rtL_operation_object(L, op);
  (void)b;
  if (l->sock == NULL) return rtL_fail(L, UV_ECANCELED, "the listener was closed meanwhile");
  rt_stream_last_chance(l->sock, w->running);
  if (!l->sock->maybe_readable || l->again > rt_clock()) return -1;
  rt_stream *s = rtL_stream_new(L, w); /* first: it may raise */
  int fd = rt_tcp_accept(l->sock->fd);
  if (rt_tcp_is_shortage(fd)) {
    warn_of_shortage(l, fd);
    l->again = rt_clock() + PAUSE;
    lua_pop(L, 1);
    return -1;
  }
  if (fd == UV_EAGAIN || fd == UV_ECONNABORTED || fd == UV_EPROTO) {
    l->sock->maybe_readable = fd != UV_EAGAIN;
    lua_pop(L, 1);
    return -1;
  }
  if (fd >= 0) l->warned = false;
  if (fd >= 0 && l->nodelay) rt_tcp_nodelay(fd, true);
  int err = fd < 0 ? fd : rt_sock_open(&s->sock, &w->driver, fd);
  if (err == 0) return 1;
  lua_pop(L, 1);
  return rtL_fail(L, err, NULL);
}

static bool arm_accept(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_listener *l = rtL_operation_object(L, op);
  if (l->sock == NULL) return false;
  if (l->again > rt_clock()) { /* the socket would only say that there is something */
    b->due = rt_driver_after(&w->driver, PAUSE);
    rt_operation_sleep(b, &w->driver);
    return true;
  }
  if (l->sock->maybe_readable) return false;
  return rt_sock_wait(l->sock, RT_READ, &b->proxy, RT_OP_SELECT) == 0;
}

static const rt_op_kind accept_kind = {"accept", false, attempt_accept, NULL, arm_accept, NULL};

static int listener_accept_op(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_listener(L, w);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &accept_kind);
}

static int next_accepted(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_listener *l = lua_touserdata(L, 1);
  if (!lua_isnil(L, 2) || (l->sock == NULL && !l->moved)) return lua_gettop(L) - 1;
  lua_settop(L, 3); /* nil, message */
  return lua_error(L);
}

/* As accept; but once the listener is closed there are just no more streams, and what else
** can go wrong raises. */
static int next_stream(lua_State *L) {
  rt_listener *l = to_listener(L, rtL_self(L));
  if (l->sock == NULL && !l->moved) return 0;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_callk(L, 1, LUA_MULTRET, 0, next_accepted);
  return next_accepted(L, LUA_OK, 0);
}

/* for stream in listener:incoming() do */
static int listener_incoming(lua_State *L) {
  check_listener(L, rtL_self(L));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, listener_accept, 1);
  lua_pushcclosure(L, next_stream, 2);
  lua_pushvalue(L, 1);
  return 2;
}

static int listener_sock(lua_State *L) {
  rt_tcp_name name;
  return rtL_stream_push_name(L, rt_tcp_local_name(check_listener(L, rtL_self(L))->sock->fd, &name),
                              &name);
}

/* listener:close(), and __close and __gc */
static int listener_close(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_listener *l = to_listener(L, w);
  rt_stream_release(w, &l->sock);
  rt_stream_cut_tie(&l->tie);
  return 0;
}

static int listener_tostring(lua_State *L) {
  rt_listener *l = to_listener(L, rtL_self(L));
  rt_tcp_name name;
  if (l->sock == NULL)
    lua_pushstring(L, l->moved ? "rt.listener (moved)" : "rt.listener (closed)");
  else if (rt_tcp_local_name(l->sock->fd, &name) != 0)
    lua_pushliteral(L, "rt.listener");
  else
    lua_pushfstring(L, "rt.listener (%s)", rtL_stream_push_address(L, &name));
  return 1;
}

void rtL_open_listener(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", listener_close},
                                  {"__close", listener_close},
                                  {"__tostring", listener_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"accept", listener_accept},     {"accept_op", listener_accept_op},
      {"incoming", listener_incoming}, {"sock", listener_sock},
      {"close", listener_close},       {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_LISTENER, &(rt_class_def){meta, methods, NULL});
  w->classes.travel[RT_CLASS_LISTENER] = &rt_listener_travel;
}
