/* lib/net/listener.c - the methods of rt.listener. */
#include "lib/net/takeover.h"
#include "lib/operation.h"
#include "run/idle_gc.h"

#include <stdio.h>
#include <unistd.h>

static rt_listener *check_listener_userdata(lua_State *L, rt_worker *w) {
  return rtL_class_check(L, &w->classes, RT_CLASS_LISTENER, 1);
}

/* For __gc and __close; NULL: nothing is to be done. */
static rt_listener *check_to_close(lua_State *L, rt_worker *w) {
  rt_listener *l = rt_class_test(L, &w->classes, RT_CLASS_LISTENER, 1);
  if (l == NULL) rtL_class_refuse_close(L, RT_CLASS_LISTENER, 1);
  return l;
}

static rt_listener *check_listener(lua_State *L, rt_worker *w) {
  rt_listener *l = check_listener_userdata(L, w);
  if (l->sock == NULL || w->stop.closed)
    luaL_error(L, l->moved ? "attempt to use a listener that was moved to another task"
                           : "attempt to use a closed listener");
  return l;
}

#define PAUSE (100 * RT_MILLISECOND)
enum { FAILURES_MAX = 16 }; /* connections that may fail in a row before accepting pauses */

/* Accepting fails, and not because of one connection: those that are there stay in the listener's
** queue, and accept is tried again after PAUSE. Writes one line to stderr, until a connection is
** accepted. */
static void pause_accepting(rt_listener *l, int err) {
  if (!l->warned)
    fprintf(stderr, "rt: accept: %s: %s; trying again every 100 ms\n", rt_system_error_name(err),
            rt_system_error_text(err));
  l->warned = true;
  l->again = rt_clock() + PAUSE;
}

/* Returns the descriptor of a connection, or UV_E…. A connection that has failed meanwhile is
** passed over. If descriptors are lacking, streams that are garbage may have them. */
static int accept_from_queue(lua_State *L, rt_worker *w, rt_listener *l) {
  int fd = UV_ECANCELED;
  for (int tries = FAILURES_MAX; tries > 0 && l->sock; tries--) { /* (a finalizer may close it) */
    fd = rt_tcp_accept(l->sock->fd);
    bool again =
        rt_tcp_is_of_one_connection(fd) || (rt_tcp_lacks_descriptor(fd) && rt_idle_gc_full(L, w));
    if (!again) return fd;
  }
  return l->sock ? fd : UV_ECANCELED;
}

static int next_connection(lua_State *L, rt_worker *w, rt_listener *l) {
  if (l->unopened >= 0) return l->unopened;
  if (rt_likely(l->takeover == NULL)) return accept_from_queue(L, w, l);
  if (rt_takeover_has_connection(l->takeover)) return rt_takeover_accept(l->takeover);
  return rt_takeover_is_spare(l->takeover) ? UV_EAGAIN : accept_from_queue(L, w, l);
}

static bool may_accept(const rt_listener *l) {
  return l->sock->maybe_readable || (l->takeover && rt_takeover_has_connection(l->takeover));
}

/* Accepts a connection into the stream. 0; UV_EAGAIN: the task must wait; or another UV_E… */
static int accept_into(lua_State *L, rt_worker *w, rt_listener *l, rt_stream *s) {
  if (l->again > 0 && l->again > rt_clock()) return UV_EAGAIN;
  l->again = 0;
  int fd = next_connection(L, w, l);
  int err = fd < 0 ? fd : rt_sock_try_open(&s->sock, &w->driver, fd);
  l->unopened = fd >= 0 && err != 0 ? fd : -1;
  if (err == 0) {
    l->warned = false;
    if (l->nodelay) rt_tcp_nodelay(fd, true);
  } else if (err == UV_EAGAIN) {
    l->sock->maybe_readable = false;
  } else if (fd >= 0 || rt_tcp_is_shortage(err) || rt_tcp_is_of_one_connection(err)) {
    pause_accepting(l, err);
    return UV_EAGAIN;
  }
  return err;
}

static int listener_fail_closed(lua_State *L) {
  return rtL_fail(L, UV_ECANCELED, "the listener was closed meanwhile");
}

/* The stream is made before the connection is accepted, since making it may raise. In a method it
** stays on the stack, above the listener, for the next attempt. */
static int listener_accept_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_listener *l = b->object;
  if (l->sock == NULL) return listener_fail_closed(L);
  rt_stream_force_attempt(l->sock, w->current.task);
  if (!may_accept(l)) return -1;
  bool kept = b->op == 0 && lua_gettop(L) > 1;
  rt_stream *s = kept ? lua_touserdata(L, 2) : rtL_stream_new(L, w);
  int err = accept_into(L, w, l, s);
  if (err == 0) return 1;
  if (b->op != 0) lua_pop(L, 1);
  return err == UV_EAGAIN ? -1 : rtL_fail(L, err, NULL);
}

static bool listener_accept_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_listener *l = b->object;
  (void)L;
  if (l->sock == NULL) return false;
  if (l->again > 0 && l->again > rt_clock()) { /* the socket is readable all the time */
    b->due = rt_driver_after(&w->driver, PAUSE);
    rt_operation_sleep(b, &w->driver);
    return true;
  }
  if (may_accept(l)) return false;
  if (l->takeover && rt_takeover_is_spare(l->takeover)) {
    rt_task_park(b->task, RT_OP_ACCEPT, l->sock, &l->sock->parked[RT_READ]);
    return true;
  }
  b->error = rt_sock_wait(l->sock, RT_READ, b->task, RT_OP_ACCEPT);
  return b->error == 0;
}

static void count_accepting(void *listener, int change) {
  ((rt_listener *)listener)->accepting += change;
}

static const rt_op_kind listener_accept_kind = {.name = "accept",
                                                .attempt = listener_accept_attempt,
                                                .arm = listener_accept_arm,
                                                .count_waiting = count_accepting};

/* stream | nil, message, code = listener:accept() */
static int listener_accept(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_listener *l = check_listener(L, w);
  lua_settop(L, 1);
  return rtL_operation_run(L, w, &listener_accept_kind, l, 0);
}

/* May the stream of a moved connection get another one? The transfer of the old one must not find
** it any more. */
static bool take_moved_stream(lua_State *L) {
  rt_stream *s = rt_class_tagged(L, RT_CLASS_STREAM, 2);
  if (s == NULL || s->sock != NULL || !s->moved) return false;
  rt_stream_unlink_origin(&s->origin);
  s->moved = false;
  rt_stream_count(s->worker, 1);
  return true;
}

/* stream | nil, message, code = internal.accept_again(listener, stream | nil): as accept. If the
** stream was moved to another task, its object is used again; the caller has the only reference. */
static int accept_again(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_listener *l = check_listener(L, w);
  lua_settop(L, 2);
  if (!take_moved_stream(L)) lua_settop(L, 1);
  return rtL_operation_run(L, w, &listener_accept_kind, l, 0);
}

/* op = listener:accept_op() */
static int listener_accept_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  check_listener(L, w);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &listener_accept_kind, 0);
}

static int next_accepted(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_listener *l = lua_touserdata(L, 1);
  if (!lua_isnil(L, 2) || (l->sock == NULL && !l->moved)) return lua_gettop(L) - 1;
  lua_settop(L, 3); /* nil, message */
  return lua_error(L);
}

/* As accept, but it returns nil once the listener is closed, and raises if accept fails. */
static int next_stream(lua_State *L) {
  rt_listener *l = check_listener_userdata(L, rt_self(L));
  lua_settop(L, 1);
  if (l->sock == NULL && !l->moved) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_callk(L, 1, LUA_MULTRET, 0, next_accepted);
  return next_accepted(L, LUA_OK, 0);
}

/* for stream in listener:incoming() do */
static int listener_incoming(lua_State *L) {
  check_listener(L, rt_self(L));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, listener_accept, 1);
  lua_pushcclosure(L, next_stream, 2);
  lua_pushvalue(L, 1);
  return 2;
}

/* --- the listeners of a server ---------------------------------------------------------------- */
static int push_spare(lua_State *L, rt_worker *w, const rt_listener *of) {
  rt_listener *l = rtL_listener_new(L, w);
  l->nodelay = of->nodelay;
  int fd = rt_tcp_share(of->sock->fd);
  return fd < 0 ? fd : rt_sock_open(&l->sock, &w->driver, fd);
}

/* true | nil, message, code = internal.take_over(listeners, n): the listeners of a server, which
** are sent to n workers; to the list, which is not empty, spare ones are added until they are n */
static int take_over_each_other(lua_State *L) {
  rt_worker *w = rt_self(L);
  lua_Integer given = luaL_len(L, 1), n = luaL_checkinteger(L, 2);
  const rt_listener *first = NULL;
  for (lua_Integer i = 1; i <= n; i++) {
    int err = 0;
    if (lua_geti(L, 1, i) == LUA_TNIL) {
      lua_pop(L, 1);
      err = push_spare(L, w, first);
      lua_pushvalue(L, -1);
      lua_seti(L, 1, i);
    }
    rt_listener *l = rtL_class_check(L, &w->classes, RT_CLASS_LISTENER, -1);
    if (err == 0 && !rt_takeover_join(l, first, i > given)) err = UV_ENOMEM;
    if (err != 0) return rtL_fail(L, err, NULL);
    if (first == NULL) first = l;
    lua_pop(L, 1);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* --- the rest --------------------------------------------------------------------------------- */
static int listener_sock(lua_State *L) {
  rt_tcp_name name;
  return rtL_stream_push_name(L, rt_tcp_local_name(check_listener(L, rt_self(L))->sock->fd, &name),
                              &name);
}

/* __gc */
static int listener_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_listener *l = check_to_close(L, w);
  if (l == NULL) return 0;
  if (l->takeover) rt_takeover_end(l->takeover);
  l->takeover = NULL;
  rt_stream_release(w, &l->sock);
  rt_stream_unlink_origin(&l->origin);
  if (l->unopened >= 0) close(l->unopened);
  l->unopened = -1;
  return 0;
}

/* listener:close(), and __close */
static int listener_close(lua_State *L) {
  rt_worker *w = rt_self(L);
  const rt_listener *l = check_to_close(L, w);
  if (l && l->sock) rt_stream_count(w, -1);
  return listener_gc(L);
}

static int listener_tostring(lua_State *L) {
  rt_listener *l = check_listener_userdata(L, rt_self(L));
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
  static const luaL_Reg meta[] = {{"__gc", listener_gc},
                                  {"__close", listener_close},
                                  {"__tostring", listener_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"accept", listener_accept},     {"accept_op", listener_accept_op},
      {"incoming", listener_incoming}, {"sock", listener_sock},
      {"close", listener_close},       {NULL, NULL}};
  static const luaL_Reg internal[] = {
      {"accept_again", accept_again}, {"take_over", take_over_each_other}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_LISTENER, &(rt_class_def){meta, methods, NULL});
  rtL_set_internal_functions(L, w, internal);
  w->classes.travel[RT_CLASS_LISTENER] = &rt_listener_travel;
}
