/* lib/net/stream.c - the methods of rt.stream, but for read and lines (lib/net/read.c). */
#include "lib/net/net.h"
#include "lib/operation.h"

#include <limits.h>
#include <unistd.h>

/* --- reading ---------------------------------------------------------------------------------- */
static int stream_fail_closed(lua_State *L) {
  return rtL_fail(L, UV_ECANCELED, "the stream was closed meanwhile");
}

static int stream_recv_resume(lua_State *L, int status, lua_KContext stream);

static int wait_to_recv(lua_State *L, rt_stream *s, rt_task *t) {
  rtL_wait_prepare(L, s->worker, t);
  int err = rt_sock_wait(s->sock, RT_READ, t, RT_OP_READ);
  if (rt_unlikely(err != 0)) return rtL_fail(L, err, NULL);
  s->reading = true;
  return rtL_wait(L, s->worker, stream_recv_resume, (lua_KContext)s);
}

/* 'in' is empty: receives into the driver's scratch buffer, and from there into a Lua string. */
static int recv_now(lua_State *L, rt_stream *s) {
  char *scratch = s->worker->driver.scratch;
  ssize_t n = rt_sock_recv(s->sock, scratch, s->max);
  if (rt_likely(n > 0)) {
    lua_pushlstring(L, scratch, (size_t)n);
    return 1;
  }
  if (n == UV_EAGAIN) return wait_to_recv(L, s, s->worker->current.task);
  if (n < 0) return rtL_fail(L, (int)n, NULL);
  rtL_cancel_takes_precedence(L, s->worker);
  lua_pushnil(L);
  return 1;
}

static int recv_buffered(lua_State *L, rt_stream *s) {
  size_t n = rt_buf_len(&s->in) < s->max ? rt_buf_len(&s->in) : s->max;
  lua_pushlstring(L, rt_buf_data(&s->in), n);
  rt_buf_drop(&s->in, n);
  return 1;
}

static int stream_recv_resume(lua_State *L, int status, lua_KContext stream) {
  (void)status;
  rt_stream *s = (rt_stream *)stream;
  s->reading = false;
  rtL_wait_over(L, s->worker);
  return rt_likely(s->sock != NULL) ? recv_now(L, s) : stream_fail_closed(L);
}

static int stream_recv_resume_yielded(lua_State *L, int status, lua_KContext stream) {
  (void)status;
  rt_stream *s = (rt_stream *)stream;
  s->reading = false;
  rtL_wait_after_yield(L, s->worker);
  return rt_likely(s->sock != NULL) ? recv_now(L, s) : stream_fail_closed(L);
}

/* string | nil [, message, code] = stream:recv([max])
**
** The method does not use stream_recv_kind: a server calls it for each request, and without an
** rt_branch it needs fewer instructions. The order of the checks is that of lib/operation.h. */
static int stream_recv(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  rt_worker *w = s->worker;
  lua_Integer max = lua_gettop(L) < 2 ? RT_SCRATCH : luaL_optinteger(L, 2, RT_SCRATCH);
  luaL_argcheck(L, max > 0, 2, "a positive number of bytes expected");
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_unlikely(rt_stream_has_reader(s))) return rtL_fail(L, UV_EBUSY, "another task is reading");
  s->max = max < RT_SCRATCH ? (size_t)max : RT_SCRATCH;
  if (rt_buf_len(&s->in) > 0) return recv_buffered(L, s);
  if (rt_wait_must_yield(L, w, t)) {
    s->reading = true;
    return rtL_wait(L, w, stream_recv_resume_yielded, (lua_KContext)s);
  }
  rt_stream_force_attempt(s->sock, t);
  return s->sock->maybe_readable ? recv_now(L, s) : wait_to_recv(L, s, t);
}

/* op = stream:recv_op([max]), for rt.select */
static int stream_recv_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_stream *s = b->object;
  if (s->sock == NULL) return stream_fail_closed(L);
  if (rt_stream_has_reader(s)) return rtL_fail(L, UV_EBUSY, "another task is reading");
  s->max = (size_t)b->number;
  if (rt_buf_len(&s->in) > 0) return recv_buffered(L, s);
  rt_stream_force_attempt(s->sock, w->current.task);
  if (!s->sock->maybe_readable) return -1;
  ssize_t n = rt_sock_recv(s->sock, w->driver.scratch, s->max);
  if (n == UV_EAGAIN) return -1;
  if (n < 0) return rtL_fail(L, (int)n, NULL);
  if (n > 0) {
    lua_pushlstring(L, w->driver.scratch, (size_t)n);
    return 1;
  }
  rtL_cancel_takes_precedence(L, w);
  lua_pushnil(L);
  return 1;
}

static bool stream_recv_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  const rt_stream *s = b->object;
  (void)L, (void)w;
  if (s->sock) b->error = rt_sock_wait(s->sock, RT_READ, b->task, RT_OP_READ);
  return s->sock && b->error == 0;
}

static const rt_op_kind stream_recv_kind = {
    .name = "recv", .attempt = stream_recv_attempt, .arm = stream_recv_arm};

static int stream_recv_op(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  lua_Integer max = luaL_optinteger(L, 2, RT_SCRATCH);
  luaL_argcheck(L, max > 0, 2, "a positive number of bytes expected");
  lua_settop(L, 1);
  return rtL_operation_new(L, s->worker, &stream_recv_kind,
                           max < RT_SCRATCH ? (uint64_t)max : RT_SCRATCH);
}

/* --- writing ---------------------------------------------------------------------------------- */
enum { IOV = 16, WRITE_MAX = 1 << 30 };

/* Collects what has not been sent of the arguments, IOV pieces and WRITE_MAX bytes at most. Returns
** the number of pieces. *bytes: their length; *all: nothing follows them. */
static int gather_unsent(lua_State *L, const rt_stream *s, uv_buf_t *bufs, size_t *bytes,
                         bool *all) {
  int n = 0, arg = s->argument, top = lua_gettop(L);
  *bytes = 0;
  for (; arg <= top && n < IOV && *bytes < WRITE_MAX; arg++) {
    size_t len, skip = arg == s->argument ? s->sent : 0;
    const char *data = lua_tolstring(L, arg, &len);
    if ((len -= skip) > WRITE_MAX) len = WRITE_MAX;
    if (len > 0) bufs[n++] = uv_buf_init((char *)data + skip, (unsigned)len);
    *bytes += len;
  }
  *all = arg > top && *bytes < WRITE_MAX;
  return n;
}

static void advance_sent(lua_State *L, rt_stream *s, size_t n) {
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

static int write_until_blocked(lua_State *L, rt_worker *w, rt_stream *s) {
  uv_buf_t bufs[IOV];
  size_t bytes;
  bool all;
  int count;
  while ((count = gather_unsent(L, s, bufs, &bytes, &all)) > 0) {
    ssize_t n = rt_sock_sendv(s->sock, bufs, count);
    if (rt_likely(n == (ssize_t)bytes && all)) break;
    if (n == UV_EAGAIN) {
      rtL_wait_prepare(L, w, w->current.task);
      int err = rt_sock_wait(s->sock, RT_WRITE, w->current.task, RT_OP_WRITE);
      return err == 0 ? RT_WAITS : rtL_fail(L, err, NULL);
    }
    if (n < 0) return rtL_fail(L, (int)n, NULL);
    advance_sent(L, s, (size_t)n);
    if (rt_wait_must_yield(L, w, w->current.task)) return RT_YIELDED; /* a fast peer */
  }
  lua_settop(L, 1);
  return 1;
}

static void stream_write_resumed(lua_State *L, rt_stream *s, int how) {
  s->writing = false;
  rtL_wait_ended(L, s->worker, how);
}

static int stream_write_resume(lua_State *L, int status, lua_KContext how);

/* 'how' is 0, or RT_WAITS or RT_YIELDED: then the task waits before it continues to write. */
static int write_rest(lua_State *L, rt_worker *w, rt_stream *s, int how) {
  for (;;) {
    if (how < 0) {
      s->writing = true;
      if (!rtL_wait_in_place(L, w)) return rtL_wait(L, w, stream_write_resume, how);
      stream_write_resumed(L, s, how);
    }
    if (rt_unlikely(s->sock == NULL)) return stream_fail_closed(L);
    if ((how = write_until_blocked(L, w, s)) >= 0) return how;
  }
}

static int stream_write_resume(lua_State *L, int status, lua_KContext how) {
  (void)status;
  rt_stream *s = lua_touserdata(L, 1);
  stream_write_resumed(L, s, (int)how);
  return write_rest(L, s->worker, s, 0);
}

/* The usual write: one string. Returns the number of bytes that were sent, which may be 0;
** write_rest sends the others. Or UV_E… */
static ssize_t write_string(rt_stream *s, const char *data, size_t len) {
  ssize_t n = rt_sock_send(s->sock, data, len);
  if (n > 0) s->sent = (size_t)n;
  return n == UV_EAGAIN ? 0 : n;
}

/* stream | nil, message, code = stream:write(...)
**
** A write is no operation of lib/operation.h: it may wait several times, and some bytes may have
** been sent before each wait. So rt.select could not withdraw it, and a cancelled write may have
** happened in part. */
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
  if (rt_wait_must_yield(L, w, t)) return write_rest(L, w, s, RT_YIELDED);
  if (rt_likely(top == 2 && len > 0 && len < WRITE_MAX)) {
    ssize_t n = write_string(s, data, len);
    if (rt_unlikely(n < 0)) return rtL_fail(L, (int)n, NULL);
    if (rt_likely((size_t)n == len)) {
      lua_pushvalue(L, 1);
      return 1;
    }
  }
  return write_rest(L, w, s, 0);
}

/* --- the rest --------------------------------------------------------------------------------- */
static int stream_or_fail(lua_State *L, int err) {
  if (err < 0) return rtL_fail(L, err, NULL);
  lua_settop(L, 1);
  return 1;
}

/* stream = stream:shutdown() */
static int stream_shutdown(lua_State *L) {
  return stream_or_fail(L, rt_tcp_shutdown(rtL_stream_check(L)->sock->fd));
}

/* __gc */
static int stream_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_stream *s = rtL_stream_any(L);
  rt_stream_release(w, &s->sock);
  rt_stream_unlink_origin(&s->origin);
  rt_buf_close(&s->in);
  return 0;
}

/* stream:close(), and __close */
static int stream_close(lua_State *L) {
  if (rtL_stream_any(L)->sock) rt_stream_count(rt_self(L), -1);
  return stream_gc(L);
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
  return stream_or_fail(L, rt_tcp_nodelay(s->sock->fd, lua_toboolean(L, 2)));
}

/* stream = stream:keepalive(seconds | false) */
static int stream_keepalive(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  if (lua_isboolean(L, 2) && !lua_toboolean(L, 2))
    return stream_or_fail(L, rt_tcp_keepalive(s->sock->fd, 0));
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0 && seconds <= 32767, 2,
                "seconds from above 0 to 32767, or false, expected");
  return stream_or_fail(L, rt_tcp_keepalive(s->sock->fd, seconds < 1 ? 1 : (unsigned)seconds));
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
  static const luaL_Reg meta[] = {{"__gc", stream_gc},
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
