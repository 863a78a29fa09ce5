#include "lib/net/net.h"

#include "run/idle_gc.h"

/* --- the object ------------------------------------------------------------------------------- */
rt_stream *rtL_stream_any(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  rt_stream *s = rt_class_tagged(L, RT_CLASS_STREAM, 1);
  if (s == NULL) luaL_typeerror(L, 1, rt_class_name(RT_CLASS_STREAM));
  return s;
}

rt_stream *rtL_stream_refuse(lua_State *L) {
  bool moved = rtL_stream_any(L)->moved;
  rtL_error_if_forked(L);
  luaL_error(L, moved ? "attempt to use a stream that was moved to another task"
                      : "attempt to use a closed stream");
  return NULL;
}

rt_stream *rtL_stream_new(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +1);
  rt_stream *s = rtL_class_new(L, &w->classes, RT_CLASS_STREAM, sizeof *s, 0);
  s->tag.tag = &rt_class_tags[RT_CLASS_STREAM];
  s->worker = w;
  rt_stream_count(w, 1);
  return s;
}

rt_listener *rtL_listener_new(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +1);
  rt_listener *l = rtL_class_new(L, &w->classes, RT_CLASS_LISTENER, sizeof *l, 0);
  l->unopened = -1;
  rt_stream_count(w, 1);
  return l;
}

int rt_stream_fill(rt_stream *s) {
  rt_driver *d = s->sock->driver;
  ssize_t n = s->sock->maybe_readable ? rt_sock_recv(s->sock, d->scratch, RT_SCRATCH) : UV_EAGAIN;
  if (n <= 0) return (int)n;
  int err = rt_buf_put(&s->in, d->scratch, (size_t)n);
  return err == 0 ? 1 : err;
}

/* --- what streams and listeners have in common ------------------------------------------------ */
void rt_stream_release(rt_worker *w, rt_sock **s) {
  rt_worker_assert_thread(w);
  if (*s && !w->stop.closed) rt_sock_close(*s);
  *s = NULL;
}

void rt_stream_count(rt_worker *w, int n) {
  rt_worker_assert_thread(w);
  rt_task *t = w->current.task;
  if (t && t->is_job) t->more->sockets += (uint32_t)n;
  if (n < 0) rt_idle_gc_socket_left(w);
}

int rtL_stream_push_name(lua_State *L, int err, const rt_tcp_name *name) {
  RTL_STACK_CHECK(L, +3);
  if (err != 0) return rtL_fail(L, err, NULL);
  lua_pushstring(L, name->host);
  lua_pushinteger(L, name->port);
  lua_pushstring(L, name->family);
  return 3;
}

const char *rtL_stream_push_address(lua_State *L, const rt_tcp_name *name) {
  RTL_STACK_CHECK(L, +1);
  const char *form = strchr(name->host, ':') ? "[%s]:%d" : "%s:%d";
  return lua_pushfstring(L, form, name->host, name->port);
}
