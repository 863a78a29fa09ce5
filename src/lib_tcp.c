/* lib_tcp.c - rt.tcp: listeners and streams. */
#include "dial.h"
#include "lib.h"
#include "lookup.h"
#include "select.h"
#include "sock.h"
#include "stream.h"
#include "tcp.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
  BACKLOG = 128,
  CONNECT_SECONDS = 30,
  CREW_THREADS = RT_SIZE(8, 2),
  CREW_QUEUE = RT_SIZE(1024, 4)
};

/* --- closing, and what is common ------------------------------------------------------------- */
/* When the worker has gone, its driver has closed everything. */
static void close_sock(rt_worker *w, rt_sock **s) {
  if (*s && !w->closing) rt_sock_close(*s);
  *s = NULL;
}

static int push_name(lua_State *L, int err, const rt_tcp_name *name) {
  if (err != 0) return rtL_fail(L, err, NULL);
  lua_pushstring(L, name->host);
  lua_pushinteger(L, name->port);
  lua_pushstring(L, name->family);
  return 3;
}

/* "127.0.0.1:80", "[::1]:80" */
static const char *push_address(lua_State *L, const rt_tcp_name *name) {
  const char *form = strchr(name->host, ':') ? "[%s]:%d" : "%s:%d";
  return lua_pushfstring(L, form, name->host, name->port);
}

/* --- streams ------------------------------------------------------------------------------------ */
static rt_stream *to_stream(lua_State *L) {
  rt_stream *s = rt_class_tagged(L, RT_CLASS_STREAM, 1);
  if (s == NULL) luaL_typeerror(L, 1, rt_class_name(RT_CLASS_STREAM));
  return s;
}

rt_stream *rtL_stream_refuse(lua_State *L) {
  bool moved = to_stream(L)->moved;
  luaL_error(L, moved ? "attempt to use a stream that was moved to another task"
                      : "attempt to use a closed stream");
  return NULL;
}

rt_stream *rtL_stream_new(lua_State *L, rt_worker *w) {
  rt_stream *s = rtL_class_new(L, &w->classes, RT_CLASS_STREAM, sizeof *s, 0);
  s->tag.tag = &rt_class_tags[RT_CLASS_STREAM];
  s->worker = w;
  return s;
}

static int fail_closed(lua_State *L) {
  return rtL_fail(L, UV_ECANCELED, "the stream was closed meanwhile");
}

static int recv_again(lua_State *L, int status, lua_KContext stream);

static int wait_to_recv(lua_State *L, rt_stream *s, rt_task *t) {
  rtL_wait_prepare(L, s->worker, t);
  int err = rt_sock_wait(s->sock, RT_READ, t, RT_OP_READ);
  if (rt_unlikely(err != 0)) return rtL_fail(L, err, NULL);
  s->reading = true;
  return rtL_wait(L, s->worker, recv_again, (lua_KContext)s);
}

/* Straight from the socket: nothing is buffered. */
static int recv_now(lua_State *L, rt_stream *s) {
  char *scratch = s->worker->driver.scratch;
  ssize_t n = rt_sock_recv(s->sock, scratch, s->most);
  if (rt_likely(n > 0)) {
    lua_pushlstring(L, scratch, (size_t)n);
    return 1;
  }
  if (n == UV_EAGAIN) return wait_to_recv(L, s, s->worker->running);
  if (n < 0) return rtL_fail(L, (int)n, NULL);
  s->sock->may_read = true; /* the end stays */
  return 0;
}

static int recv_buffered(lua_State *L, rt_stream *s) {
  size_t n = rt_buf_len(&s->in) < s->most ? rt_buf_len(&s->in) : s->most;
  lua_pushlstring(L, rt_buf_data(&s->in), n);
  rt_buf_drop(&s->in, n);
  return 1;
}

static int recv_again(lua_State *L, int status, lua_KContext stream) {
  (void)status;
  rt_stream *s = (rt_stream *)stream;
  s->reading = false;
  rtL_wait_over(L, s->worker);
  return rt_likely(s->sock != NULL) ? recv_now(L, s) : fail_closed(L);
}

/* string | nil [, message, code] = stream:recv([max]) */
static int stream_recv(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  rt_worker *w = s->worker;
  lua_Integer most = lua_gettop(L) < 2 ? RT_SCRATCH : luaL_optinteger(L, 2, RT_SCRATCH);
  luaL_argcheck(L, most > 0, 2, "a positive number of bytes expected");
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_unlikely(s->reading)) return rtL_fail(L, UV_EBUSY, "another task is reading");
  s->most = most < RT_SCRATCH ? (size_t)most : RT_SCRATCH;
  if (rt_buf_len(&s->in) > 0) return recv_buffered(L, s);
  if (rtL_wait_must_yield(L, w, t)) {
    s->reading = true;
    return rtL_wait(L, w, recv_again, (lua_KContext)s);
  }
  return s->sock->may_read ? recv_now(L, s) : wait_to_recv(L, s, t);
}

int rt_stream_fill(rt_stream *s) {
  rt_driver *d = s->sock->driver;
  ssize_t n = s->sock->may_read ? rt_sock_recv(s->sock, d->scratch, RT_SCRATCH) : UV_EAGAIN;
  if (n <= 0) {
    if (n == 0) s->sock->may_read = true; /* the end stays */
    return (int)n;
  }
  int err = rt_buf_put(&s->in, d->scratch, (size_t)n);
  return err == 0 ? 1 : err;
}

/* op = stream:recv_op([max]), for rt.select */
static int attempt_recv(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_stream *s = rtL_select_object(L, op);
  (void)b;
  if (s->sock == NULL) return fail_closed(L);
  if (s->reading) return rtL_fail(L, UV_EBUSY, "another task is reading");
  lua_getiuservalue(L, op, RT_OPERATION_ARGS);
  s->most = lua_isnil(L, -1) ? RT_SCRATCH : (size_t)lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (rt_buf_len(&s->in) > 0) return recv_buffered(L, s);
  if (!s->sock->may_read) return -1;
  ssize_t n = rt_sock_recv(s->sock, w->driver.scratch, s->most);
  if (n == UV_EAGAIN) return -1;
  if (n < 0) return rtL_fail(L, (int)n, NULL);
  if (n > 0)
    lua_pushlstring(L, w->driver.scratch, (size_t)n);
  else
    lua_pushnil(L);
  if (n == 0) s->sock->may_read = true; /* the end stays */
  return 1;
}

static bool arm_recv(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_stream *s = rtL_select_object(L, op);
  (void)w;
  return s->sock && rt_sock_wait(s->sock, RT_READ, &b->proxy, RT_OP_SELECT) == 0;
}

static const rt_op_kind recv_kind = {"recv", false, attempt_recv, NULL, arm_recv, NULL};

static int stream_recv_op(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  lua_Integer most = luaL_optinteger(L, 2, RT_SCRATCH);
  luaL_argcheck(L, most > 0, 2, "a positive number of bytes expected");
  lua_settop(L, 1);
  rtL_select_operation(L, s->worker, &recv_kind);
  lua_pushinteger(L, most < RT_SCRATCH ? most : RT_SCRATCH);
  lua_setiuservalue(L, 1, RT_OPERATION_ARGS);
  return 1;
}

/* --- writing ------------------------------------------------------------------------------------ */
enum { IOV = 16, WRITE_MOST = 1 << 30 };

/* The next pieces of the arguments that are not sent yet; *all: these are the last. */
static int gather(lua_State *L, const rt_stream *s, uv_buf_t *bufs, size_t *bytes, bool *all) {
  int n = 0, arg = s->argument, top = lua_gettop(L);
  *bytes = 0;
  for (; arg <= top && n < IOV && *bytes < WRITE_MOST; arg++) {
    size_t len, skip = arg == s->argument ? s->sent : 0;
    const char *data = lua_tolstring(L, arg, &len);
    if ((len -= skip) > WRITE_MOST) len = WRITE_MOST;
    if (len > 0) bufs[n++] = uv_buf_init((char *)data + skip, (unsigned)len);
    *bytes += len;
  }
  *all = arg > top && *bytes < WRITE_MOST;
  return n;
}

static void advance(lua_State *L, rt_stream *s, size_t n) {
  size_t len;
  while (n > 0) {
    lua_tolstring(L, s->argument, &len);
    if (n < len - s->sent) {
      s->sent += n;
      return;
    }
    n -= len - s->sent;
    s->sent = 0;
    s->argument++;
  }
}

static int write_again(lua_State *L, int status, lua_KContext ctx);

static int wait_to_write(lua_State *L, rt_worker *w, rt_stream *s) {
  rt_task *t = w->running;
  rtL_wait_prepare(L, w, t);
  int err = rt_sock_wait(s->sock, RT_WRITE, t, RT_OP_WRITE);
  if (rt_unlikely(err != 0)) return rtL_fail(L, err, NULL);
  s->writing = true;
  return rtL_wait(L, w, write_again, 0);
}

static int write_rest(lua_State *L, rt_worker *w, rt_stream *s) {
  uv_buf_t bufs[IOV];
  size_t bytes;
  bool all;
  int count;
  while ((count = gather(L, s, bufs, &bytes, &all)) > 0) {
    ssize_t n = rt_sock_send_all(s->sock, bufs, count);
    if (rt_likely(n == (ssize_t)bytes && all)) break;
    if (n == UV_EAGAIN) return wait_to_write(L, w, s);
    if (n < 0) return rtL_fail(L, (int)n, NULL);
    advance(L, s, (size_t)n);
  }
  lua_settop(L, 1);
  return 1;
}

static int write_again(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_stream *s = lua_touserdata(L, 1);
  rt_worker *w = s->worker;
  s->writing = false;
  rtL_wait_over(L, w);
  if (rt_unlikely(s->sock == NULL)) return fail_closed(L);
  return write_rest(L, w, s);
}

/* The usual write: one string, which the socket takes.  What it did not take is left to
** write_rest; what it refused is the result. */
static ssize_t write_one(rt_stream *s, const char *data, size_t len) {
  ssize_t n = rt_sock_send(s->sock, data, len);
  if (n > 0) s->sent = (size_t)n;
  return n == UV_EAGAIN ? 0 : n;
}

/* stream | nil, message, code = stream:write(...) */
static int stream_write(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  rt_worker *w = s->worker;
  size_t len;
  int top = lua_gettop(L);
  const char *data = top < 2 ? "" : lua_tolstring(L, 2, &len);
  if (rt_unlikely(data == NULL)) return luaL_typeerror(L, 2, "string");
  for (int arg = 3; arg <= top; arg++) luaL_checkstring(L, arg); /* numbers become strings */
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_unlikely(s->writing)) return rtL_fail(L, UV_EBUSY, "another task is writing");
  s->argument = 2;
  s->sent = 0;
  if (rtL_wait_must_yield(L, w, t)) {
    s->writing = true;
    return rtL_wait(L, w, write_again, 0);
  }
  if (rt_likely(top == 2 && len > 0 && len < WRITE_MOST)) {
    ssize_t n = write_one(s, data, len);
    if (rt_unlikely(n < 0)) return rtL_fail(L, (int)n, NULL);
    if (rt_likely((size_t)n == len)) {
      lua_pushvalue(L, 1);
      return 1;
    }
  }
  return write_rest(L, w, s);
}

/* --- the rest of a stream -------------------------------------------------------------------------- */
static int done(lua_State *L, int err) {
  if (err < 0) return rtL_fail(L, err, NULL);
  lua_settop(L, 1);
  return 1;
}

/* stream = stream:shutdown() */
static int stream_shutdown(lua_State *L) {
  return done(L, rt_tcp_shutdown(rtL_stream_check(L)->sock->fd));
}

/* stream:close(), and __close and __gc */
static int stream_close(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_stream *s = to_stream(L);
  close_sock(w, &s->sock);
  rt_buf_close(&s->in);
  return 0;
}

/* host, port, family = stream:peer() */
static int stream_peer(lua_State *L) {
  rt_tcp_name name;
  return push_name(L, rt_tcp_peer(rtL_stream_check(L)->sock->fd, &name), &name);
}

static int stream_sock(lua_State *L) {
  rt_tcp_name name;
  return push_name(L, rt_tcp_sock(rtL_stream_check(L)->sock->fd, &name), &name);
}

/* stream = stream:nodelay(on) */
static int stream_nodelay(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  return done(L, rt_tcp_nodelay(s->sock->fd, lua_toboolean(L, 2)));
}

/* stream = stream:keepalive(seconds | false) */
static int stream_keepalive(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  if (lua_isboolean(L, 2) && !lua_toboolean(L, 2)) return done(L, rt_tcp_keepalive(s->sock->fd, 0));
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0 && seconds <= 32767, 2,
                "seconds from above 0 to 32767, or false, expected");
  return done(L, rt_tcp_keepalive(s->sock->fd, seconds < 1 ? 1 : (unsigned)seconds));
}

static int stream_tostring(lua_State *L) {
  rt_stream *s = to_stream(L);
  rt_tcp_name here, there;
  if (s->sock == NULL) {
    lua_pushstring(L, s->moved ? "rt.stream (moved)" : "rt.stream (closed)");
  } else if (rt_tcp_sock(s->sock->fd, &here) != 0 || rt_tcp_peer(s->sock->fd, &there) != 0) {
    lua_pushliteral(L, "rt.stream (disconnected)");
  } else {
    const char *from = push_address(L, &here), *to = push_address(L, &there);
    lua_pushfstring(L, "rt.stream (%s to %s)", from, to);
  }
  return 1;
}

/* --- listeners ----------------------------------------------------------------------------------- */
static rt_listener *to_listener(lua_State *L, rt_worker *w) {
  return rtL_class_check(L, &w->classes, RT_CLASS_LISTENER, 1);
}

static rt_listener *check_listener(lua_State *L, rt_worker *w) {
  rt_listener *l = to_listener(L, w);
  if (l->sock == NULL || w->closing)
    luaL_error(L, l->moved ? "attempt to use a listener that was moved to another task"
                           : "attempt to use a closed listener");
  return l;
}

/* Out of descriptors: say so once, and try again in a while.  The connection stays in
** the listener's queue. */
static void pause_accepting(rt_worker *w, rt_listener *l, int err) {
  if (!l->warned) fprintf(stderr, "rt: accept: %s; trying again every 100 ms\n", uv_strerror(err));
  l->warned = true;
  rt_task_sleep(w->running, &w->driver.wheel, rt_driver_after(&w->driver, 100 * RT_MILLISECOND));
}

static int accept_again(lua_State *L, int status, lua_KContext ctx);

/* Stack: the listener, and the stream to come once there is one. */
static int accept_one(lua_State *L, rt_worker *w, rt_listener *l) {
  rt_stream *s = lua_gettop(L) == 1 ? rtL_stream_new(L, w) : lua_touserdata(L, 2);
  int fd;
  do fd = l->sock->may_read ? rt_tcp_accept(l->sock->fd) : UV_EAGAIN;
  while (fd == UV_ECONNABORTED || fd == UV_EPROTO);
  if (fd == UV_EAGAIN || rt_tcp_is_shortage(fd)) {
    rt_task *t = w->running;
    l->sock->may_read = fd != UV_EAGAIN;
    rtL_wait_prepare(L, w, t);
    if (fd != UV_EAGAIN) {
      pause_accepting(w, l, fd);
    } else {
      int err = rt_sock_wait(l->sock, RT_READ, t, RT_OP_ACCEPT);
      if (err != 0) return rtL_fail(L, err, NULL);
    }
    l->accepting++;
    return rtL_wait(L, w, accept_again, 0);
  }
  if (fd < 0) return rtL_fail(L, fd, NULL);
  l->warned = false;
  if (l->nodelay) rt_tcp_nodelay(fd, true);
  int err = rt_sock_open(&s->sock, &w->driver, fd);
  return err == 0 ? 1 : rtL_fail(L, err, NULL);
}

static int accept_again(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  rt_listener *l = lua_touserdata(L, 1);
  l->accepting--;
  rtL_wait_over(L, w);
  if (l->sock == NULL) return rtL_fail(L, UV_ECANCELED, "the listener was closed meanwhile");
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
    return rtL_wait(L, w, accept_again, 0);
  }
  return accept_one(L, w, l);
}

/* op = listener:accept_op(), for rt.select */
static int attempt_accept(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_listener *l = rtL_select_object(L, op);
  (void)b;
  if (l->sock == NULL) return rtL_fail(L, UV_ECANCELED, "the listener was closed meanwhile");
  if (!l->sock->may_read) return -1;
  rt_stream *s = rtL_stream_new(L, w); /* first: it may raise */
  int fd = rt_tcp_accept(l->sock->fd);
  if (fd == UV_EAGAIN || fd == UV_ECONNABORTED || fd == UV_EPROTO) {
    l->sock->may_read = fd != UV_EAGAIN;
    lua_pop(L, 1);
    return -1;
  }
  if (fd >= 0 && l->nodelay) rt_tcp_nodelay(fd, true);
  int err = fd < 0 ? fd : rt_sock_open(&s->sock, &w->driver, fd);
  if (err == 0) return 1;
  lua_pop(L, 1);
  return rtL_fail(L, err, NULL);
}

static bool arm_accept(lua_State *L, rt_worker *w, int op, rt_branch *b) {
  rt_listener *l = rtL_select_object(L, op);
  (void)w;
  if (l->sock == NULL || l->sock->may_read) return false;
  return rt_sock_wait(l->sock, RT_READ, &b->proxy, RT_OP_SELECT) == 0;
}

static const rt_op_kind accept_kind = {"accept", false, attempt_accept, NULL, arm_accept, NULL};

static int listener_accept_op(lua_State *L) {
  rt_worker *w = rtL_self(L);
  check_listener(L, w);
  lua_settop(L, 1);
  return rtL_select_operation(L, w, &accept_kind);
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
  return push_name(L, rt_tcp_sock(check_listener(L, rtL_self(L))->sock->fd, &name), &name);
}

/* listener:close(), and __close and __gc */
static int listener_close(lua_State *L) {
  rt_worker *w = rtL_self(L);
  close_sock(w, &to_listener(L, w)->sock);
  return 0;
}

static int listener_tostring(lua_State *L) {
  rt_listener *l = to_listener(L, rtL_self(L));
  rt_tcp_name name;
  if (l->sock == NULL)
    lua_pushstring(L, l->moved ? "rt.listener (moved)" : "rt.listener (closed)");
  else if (rt_tcp_sock(l->sock->fd, &name) != 0)
    lua_pushliteral(L, "rt.listener");
  else
    lua_pushfstring(L, "rt.listener (%s)", push_address(L, &name));
  return 1;
}

/* --- listen and connect: an errand of several waits ------------------------------------------------ */
typedef struct errand {
  rt_lookup *lookup;
  rt_dial *dial;
  rt_timeout patience; /* while the name is looked up */
  rt_driver *driver;
  uint64_t deadline; /* by the clock */
  bool late;
  bool passive, nodelay, reuseport;
  int backlog;
  char where[RT_HOST_LONGEST + 16];
} errand;

static void end_errand(errand *e) {
  rt_timer_remove(&e->patience.timer);
  if (e->lookup) rt_lookup_drop(e->lookup);
  if (e->dial) rt_dial_drop(e->dial);
  e->lookup = NULL;
  e->dial = NULL;
}

static int errand_gc(lua_State *L) {
  rt_worker *w = rtL_self(L);
  errand *e = rtL_class_check(L, &w->classes, RT_CLASS_ERRAND, 1);
  if (!w->closing) end_errand(e);
  return 0;
}

static void on_impatient(rt_timeout *t) {
  errand *e = rt_containerof(t, errand, patience);
  e->late = true;
  rt_list *l = rt_list_first(&e->lookup->waiter);
  if (l) rt_driver_wake(e->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static int fail_errand(lua_State *L, errand *e, int err) {
  end_errand(e);
  return rtL_fail(L, err, e->where);
}

static int finish_connect(lua_State *L, rt_worker *w, errand *e) {
  rt_stream *s = rtL_stream_new(L, w);
  int fd = rt_dial_take(e->dial);
  if (fd < 0) return fail_errand(L, e, fd);
  end_errand(e);
  if (e->nodelay) rt_tcp_nodelay(fd, true);
  int err = rt_sock_open(&s->sock, &w->driver, fd);
  return err == 0 ? 1 : rtL_fail(L, err, e->where);
}

static int finish_listen(lua_State *L, rt_worker *w, errand *e) {
  rt_listener *l = rtL_class_new(L, &w->classes, RT_CLASS_LISTENER, sizeof *l, 0);
  int fd = UV_EADDRNOTAVAIL, err;
  l->nodelay = e->nodelay;
  for (const struct addrinfo *a = e->lookup->found; a && fd < 0; a = a->ai_next)
    fd = rt_tcp_listen(a, e->backlog, e->reuseport);
  if (fd < 0) return fail_errand(L, e, fd);
  end_errand(e);
  if ((err = rt_sock_open(&l->sock, &w->driver, fd)) != 0) return rtL_fail(L, err, e->where);
  return 1;
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

static int step(lua_State *L, rt_worker *w, errand *e) {
  rt_task *t = w->running;
  if (e->lookup == NULL) return rtL_fail(L, UV_ECANCELED, e->where); /* finalized: the end */
  if (e->late) return fail_errand(L, e, UV_ETIMEDOUT);
  if (!e->lookup->answered) {
    rtL_wait_prepare(L, w, t);
    rt_task_park(t, RT_OP_LOOKUP, e, &e->lookup->waiter);
    return rtL_wait(L, w, go_on, 0);
  }
  if (e->lookup->err != 0) return fail_errand(L, e, e->lookup->err);
  if (e->passive) return finish_listen(L, w, e);
  if (e->dial == NULL) {
    uint64_t now = rt_clock(), left = e->deadline > now ? e->deadline - now : 0;
    rt_timer_remove(&e->patience.timer);
    int err = rt_dial_start(&e->dial, &w->driver, e->lookup->found, left);
    if (err != 0) return fail_errand(L, e, err);
  }
  if (!rt_dial_is_over(e->dial)) {
    rtL_wait_prepare(L, w, t);
    rt_dial_wait(e->dial, t);
    return rtL_wait(L, w, go_on, 0);
  }
  return finish_connect(L, w, e);
}

/* Stack: host, port, options, the errand. */
static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  errand *e = lua_touserdata(L, 4);
  if (w->running->cause == RT_WITHDRAWN) end_errand(e);
  rtL_wait_over(L, w);
  return step(L, w, e);
}

static const char *check_host(lua_State *L, bool passive) {
  size_t len;
  const char *host = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len > 0, 1, "empty host name");
  luaL_argcheck(L, len <= RT_HOST_LONGEST, 1, "host name too long");
  luaL_argcheck(L, strlen(host) == len, 1, "host name with a zero byte");
  luaL_argcheck(L, passive || strcmp(host, "*") != 0, 1, "'*' is for listeners");
  return host;
}

static int check_port(lua_State *L, int least) {
  lua_Integer port = luaL_checkinteger(L, 2);
  if (port < least || port > 65535)
    luaL_argerror(
        L, 2,
        lua_pushfstring(L, "port from %d to 65535 expected, got %I", least, (LUAI_UACINT)port));
  return (int)port;
}

static void read_options(lua_State *L, errand *e) {
  uint64_t timeout = CONNECT_SECONDS * RT_SECOND;
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
  e->nodelay = rtL_option_bool(L, 3, "nodelay", true);
  e->reuseport = rtL_option_bool(L, 3, "reuseport", false);
  e->backlog = BACKLOG;
  if (rtL_option(L, 3, "backlog") != LUA_TNIL) {
    int valid;
    lua_Integer backlog = lua_tointegerx(L, -1, &valid);
    if (!valid || backlog < 1 || backlog > 65535)
      luaL_error(L, "option 'backlog': an integer from 1 to 65535 expected");
    e->backlog = (int)backlog;
  }
  lua_pop(L, 1);
  if (rtL_option(L, 3, "timeout") != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "option 'timeout': a number of seconds expected");
    timeout = rtL_duration_of(L, 3, lua_tonumber(L, -1));
  }
  lua_pop(L, 1);
  uint64_t now = rt_clock();
  e->deadline = timeout < RT_FOREVER - now ? now + timeout : RT_FOREVER;
}

static rt_crew *crew_of(lua_State *L, rt_worker *w) {
  if (w->crew == NULL && (w->crew = rt_crew_new(CREW_THREADS, CREW_QUEUE, 256 * 1024)) == NULL)
    luaL_error(L, "not enough memory");
  return w->crew;
}

static int run_errand(lua_State *L, bool passive) {
  rt_worker *w = rtL_self(L);
  const char *host = check_host(L, passive);
  int port = check_port(L, passive ? 0 : 1);
  lua_settop(L, 3);
  rtL_cancel_checkpoint(L, w);
  errand *e = rtL_class_new(L, &w->classes, RT_CLASS_ERRAND, sizeof *e, 0);
  e->driver = &w->driver;
  e->passive = passive;
  rt_timeout_init(&e->patience, on_impatient);
  snprintf(e->where, sizeof e->where, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
  read_options(L, e);
  int err = rt_lookup_start(&e->lookup, crew_of(L, w), &w->driver, host, port, passive);
  if (err != 0) return rtL_fail(L, err, e->where);
  if (!passive && !e->lookup->answered && e->deadline != RT_FOREVER) {
    uint64_t now = rt_clock();
    rt_wheel_add(&w->driver.wheel, &e->patience.timer, RT_TIMER_CALL,
                 rt_driver_after(&w->driver, e->deadline > now ? e->deadline - now : 0));
  }
  return step(L, w, e);
}

/* listener | nil, message, code = rt.tcp.listen(host, port [, options]) */
static int tcp_listen(lua_State *L) { return run_errand(L, true); }

/* stream | nil, message, code = rt.tcp.connect(host, port [, options]) */
static int tcp_connect(lua_State *L) { return run_errand(L, false); }

void rtL_open_tcp(lua_State *L, rt_worker *w) {
  static const luaL_Reg stream_meta[] = {{"__gc", stream_close},
                                         {"__close", stream_close},
                                         {"__tostring", stream_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg stream_methods[] = {
      {"recv", stream_recv},       {"recv_op", stream_recv_op},     {"read", rtL_stream_read},
      {"lines", rtL_stream_lines}, {"write", stream_write},         {"shutdown", stream_shutdown},
      {"close", stream_close},     {"peer", stream_peer},           {"sock", stream_sock},
      {"nodelay", stream_nodelay}, {"keepalive", stream_keepalive}, {NULL, NULL}};
  static const luaL_Reg listener_meta[] = {{"__gc", listener_close},
                                           {"__close", listener_close},
                                           {"__tostring", listener_tostring},
                                           {NULL, NULL}};
  static const luaL_Reg listener_methods[] = {
      {"accept", listener_accept},     {"accept_op", listener_accept_op},
      {"incoming", listener_incoming}, {"sock", listener_sock},
      {"close", listener_close},       {NULL, NULL}};
  static const luaL_Reg errand_meta[] = {{"__gc", errand_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"listen", tcp_listen}, {"connect", tcp_connect}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_STREAM, &(rt_class_def){stream_meta, stream_methods, NULL});
  rtL_worker_class(L, w, RT_CLASS_LISTENER, &(rt_class_def){listener_meta, listener_methods, NULL});
  w->classes.travel[RT_CLASS_STREAM] = &rt_stream_travel;
  w->classes.travel[RT_CLASS_LISTENER] = &rt_listener_travel;
  rtL_worker_class(L, w, RT_CLASS_ERRAND, &(rt_class_def){.meta = errand_meta});
  lua_newtable(L);
  rtL_set_functions(L, w, functions);
  lua_setfield(L, -2, "tcp");
}
