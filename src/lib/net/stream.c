/* lib/net/stream.c - the methods of a stream; those that read by formats are in lib/net/read.c. */
#include "lib/operation.h"
#include "lib/net/net.h"

#include <limits.h>
#include <unistd.h>

/* --- reading ---------------------------------------------------------------------------------- */
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
  s->sock->maybe_readable = true; /* the end stays */
  rtL_cancel_takes_precedence(L, s->worker);
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

static int recv_later(lua_State *L, int status, lua_KContext stream) {
  (void)status;
  rt_stream *s = (rt_stream *)stream;
  s->reading = false;
  rtL_wait_turned(L, s->worker);
  return rt_likely(s->sock != NULL) ? recv_now(L, s) : fail_closed(L);
}

/* string | nil [, message, code] = stream:recv([max]) */
static int stream_recv(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  rt_worker *w = s->worker;
  lua_Integer most = lua_gettop(L) < 2 ? RT_SCRATCH : luaL_optinteger(L, 2, RT_SCRATCH);
  luaL_argcheck(L, most > 0, 2, "a positive number of bytes expected");
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_unlikely(rt_stream_is_read(s))) return rtL_fail(L, UV_EBUSY, "another task is reading");
  s->most = most < RT_SCRATCH ? (size_t)most : RT_SCRATCH;
  if (rt_buf_len(&s->in) > 0) return recv_buffered(L, s);
  if (rtL_wait_must_yield(L, w, t)) {
    s->reading = true;
    return rtL_wait(L, w, recv_later, (lua_KContext)s);
  }
  rt_stream_last_chance(s->sock, t);
  return s->sock->maybe_readable ? recv_now(L, s) : wait_to_recv(L, s, t);
}

/* op = stream:recv_op([max]), for rt.select */
static int recv_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_stream *s = b->object;
  if (s->sock == NULL) return fail_closed(L);
  if (rt_stream_is_read(s)) return rtL_fail(L, UV_EBUSY, "another task is reading");
  s->most = (size_t)b->number;
  if (rt_buf_len(&s->in) > 0) return recv_buffered(L, s);
  rt_stream_last_chance(s->sock, w->running);
  if (!s->sock->maybe_readable) return -1;
  ssize_t n = rt_sock_recv(s->sock, w->driver.scratch, s->most);
  if (n == UV_EAGAIN) return -1;
  if (n < 0) return rtL_fail(L, (int)n, NULL);
  if (n > 0) {
    lua_pushlstring(L, w->driver.scratch, (size_t)n);
    return 1;
  }
  s->sock->maybe_readable = true; /* the end stays */
  rtL_cancel_takes_precedence(L, w);
  lua_pushnil(L);
  return 1;
}

static bool recv_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  const rt_stream *s = b->object;
  (void)L, (void)w;
  if (s->sock) b->error = rt_sock_wait(s->sock, RT_READ, b->task, RT_OP_READ);
  return s->sock && b->error == 0;
}

static const rt_op_kind recv_kind = {.name = "recv", .attempt = recv_attempt, .arm = recv_arm};

static int stream_recv_op(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  lua_Integer most = luaL_optinteger(L, 2, RT_SCRATCH);
  luaL_argcheck(L, most > 0, 2, "a positive number of bytes expected");
  lua_settop(L, 1);
  return rtL_operation_new(L, s->worker, &recv_kind,
                           most < RT_SCRATCH ? (uint64_t)most : RT_SCRATCH);
}

/* --- writing ---------------------------------------------------------------------------------- */
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

static int write_on(lua_State *L, rt_worker *w, rt_stream *s) {
  uv_buf_t bufs[IOV];
  size_t bytes;
  bool all;
  int count;
  while ((count = gather(L, s, bufs, &bytes, &all)) > 0) {
    ssize_t n = rt_sock_sendv(s->sock, bufs, count);
    if (rt_likely(n == (ssize_t)bytes && all)) break;
    if (n == UV_EAGAIN) {
      rtL_wait_prepare(L, w, w->running);
      int err = rt_sock_wait(s->sock, RT_WRITE, w->running, RT_OP_WRITE);
      return err == 0 ? RT_WAITS : rtL_fail(L, err, NULL);
    }
    if (n < 0) return rtL_fail(L, (int)n, NULL);
    advance(L, s, (size_t)n);
    if (rtL_wait_must_yield(L, w, w->running))
      return RT_GAVE_WAY; /* its peer is as fast as it is */
  }
  lua_settop(L, 1);
  return 1;
}

static void goes_on(lua_State *L, rt_stream *s, int how) {
  s->writing = false;
  rtL_wait_ended(L, s->worker, how);
}

static int write_again(lua_State *L, int status, lua_KContext how);

/* 'how' is what has been done before, in this call: then it waits first. */
static int write_rest(lua_State *L, rt_worker *w, rt_stream *s, int how) {
  for (;;) {
    if (how < 0) {
      s->writing = true;
      if (!rtL_wait_in_place(L, w)) return rtL_wait(L, w, write_again, how);
      goes_on(L, s, how);
    }
    if (rt_unlikely(s->sock == NULL)) return fail_closed(L);
    if ((how = write_on(L, w, s)) >= 0) return how;
  }
}

static int write_again(lua_State *L, int status, lua_KContext how) {
  (void)status;
  rt_stream *s = lua_touserdata(L, 1);
  goes_on(L, s, (int)how);
  return write_rest(L, s->worker, s, 0);
}

/* The usual write: one string, which the socket takes. What it did not take is left to
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
  if (rtL_wait_must_yield(L, w, t)) return write_rest(L, w, s, RT_GAVE_WAY);
  if (rt_likely(top == 2 && len > 0 && len < WRITE_MOST)) {
    ssize_t n = write_one(s, data, len);
    if (rt_unlikely(n < 0)) return rtL_fail(L, (int)n, NULL);
    if (rt_likely((size_t)n == len)) {
      lua_pushvalue(L, 1);
      return 1;
    }
  }
  return write_rest(L, w, s, 0);
}

/* --- the rest of a stream --------------------------------------------------------------------- */
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
  rt_stream *s = rtL_stream_any(L);
  rt_stream_release(w, &s->sock);
  rt_stream_cut_tie(&s->tie);
  rt_buf_close(&s->in);
  return 0;
}

/* host, port, family = stream:peer() */
static int stream_peer(lua_State *L) {
  rt_tcp_name name;
  return rtL_stream_push_name(L, rt_tcp_peer_name(rtL_stream_check(L)->sock->fd, &name), &name);
}

static int stream_sock(lua_State *L) {
  rt_tcp_name name;
  return rtL_stream_push_name(L, rt_tcp_local_name(rtL_stream_check(L)->sock->fd, &name), &name);
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
  rt_stream *s = rtL_stream_any(L);
  rt_tcp_name here, there;
  if (s->sock == NULL) {
    lua_pushstring(L, s->moved ? "rt.stream (moved)" : "rt.stream (closed)");
  } else if (rt_tcp_local_name(s->sock->fd, &here) != 0 ||
             rt_tcp_peer_name(s->sock->fd, &there) != 0) {
    lua_pushliteral(L, "rt.stream (disconnected)");
  } else {
    const char *from = rtL_stream_push_address(L, &here), *to = rtL_stream_push_address(L, &there);
    lua_pushfstring(L, "rt.stream (%s to %s)", from, to);
  }
  return 1;
}

void rtL_open_stream(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", stream_close},
                                  {"__close", stream_close},
                                  {"__tostring", stream_tostring},
                                  {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"recv", stream_recv},       {"recv_op", stream_recv_op},     {"read", rtL_stream_read},
      {"lines", rtL_stream_lines}, {"write", stream_write},         {"shutdown", stream_shutdown},
      {"close", stream_close},     {"peer", stream_peer},           {"sock", stream_sock},
      {"nodelay", stream_nodelay}, {"keepalive", stream_keepalive}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_STREAM, &(rt_class_def){meta, methods, NULL});
  w->classes.travel[RT_CLASS_STREAM] = &rt_stream_travel;
}
