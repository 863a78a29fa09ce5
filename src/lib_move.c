/* lib_move.c - how streams and listeners move from one task to another.
**
** On the way the descriptor is in a crate, with what had arrived and was not read.  A crate
** that nobody opens closes it.  A task's result may have several readers, in several threads:
** the first one gets the stream, the others a closed one.
*/
#include "stream.h"

#include <unistd.h>

typedef struct crate {
  rt_thing thing;
  rt_atomic(int) fd; /* -1: nothing in it; whoever takes it out has the rest, too */
  rt_buf in;
  bool nodelay;
} crate;

static void free_crate(rt_thing *t) {
  crate *c = rt_containerof(t, crate, thing);
  int fd = rt_load(&c->fd);
  if (fd >= 0) close(fd);
  rt_buf_close(&c->in);
  rt_free(c);
}

static const rt_thing_kind stream_crate = {"stream", free_crate, RT_CLASS_STREAM};
static const rt_thing_kind listener_crate = {"listener", free_crate, RT_CLASS_LISTENER};

static rt_thing *new_crate(lua_State *L, const rt_thing_kind *kind) {
  crate *c = rt_malloc(sizeof *c);
  if (c == NULL) luaL_error(L, "not enough memory");
  memset(c, 0, sizeof *c);
  atomic_init(&c->fd, -1);
  rt_thing_init(&c->thing, kind);
  return &c->thing;
}

static crate *crate_of(rt_thing *t) { return rt_containerof(t, crate, thing); }

/* The descriptor gets a loop again; false: it has gone.  (One that was closed after all, by a
** finalizer, before it could move is as closed here.) */
static bool open_crate(lua_State *L, rt_worker *w, crate *c, rt_sock **sock) {
  int fd = rt_swap(&c->fd, -1);
  if (fd < 0) return false;
  int err = rt_sock_open(sock, &w->driver, fd);
  if (err != 0) luaL_error(L, "cannot take over a %s: %s", c->thing.kind->name, uv_strerror(err));
  (*sock)->may_read = true; /* what it waits for may have come meanwhile */
  return true;
}

/* --- streams ------------------------------------------------------------------------------------ */
static const char *why_stream_stays(const rt_stream *s) {
  if (s->moved) return "a stream that was moved to another task";
  if (s->sock == NULL) return "a closed stream";
  if (s->reading) return "a stream that a task is reading from";
  if (s->writing) return "a stream that a task is writing to";
  return NULL;
}

static rt_thing *send_stream(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)w;
  *why = why_stream_stays(lua_touserdata(L, index));
  return *why ? NULL : new_crate(L, &stream_crate);
}

static void commit_stream(lua_State *L, rt_worker *w, int index, rt_thing *t) {
  rt_stream *s = lua_touserdata(L, index);
  crate *c = crate_of(t);
  (void)w;
  if (why_stream_stays(s)) return;
  rt_store(&c->fd, rt_sock_release(s->sock));
  c->in = s->in;
  s->sock = NULL;
  s->moved = true;
  rt_buf_init(&s->in);
}

static void receive_stream(lua_State *L, rt_worker *w, rt_thing *t) {
  rt_stream *s = rtL_stream_new(L, w);
  crate *c = crate_of(t);
  if (!open_crate(L, w, c, &s->sock)) return;
  s->in = c->in;
  rt_buf_init(&c->in);
}

const rt_travel rt_stream_travel = {send_stream, commit_stream, receive_stream};

/* --- listeners ---------------------------------------------------------------------------------- */
static const char *why_listener_stays(const rt_listener *l) {
  if (l->moved) return "a listener that was moved to another task";
  if (l->sock == NULL) return "a closed listener";
  if (l->accepting > 0) return "a listener that a task is accepting from";
  return NULL;
}

static rt_thing *send_listener(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)w;
  *why = why_listener_stays(lua_touserdata(L, index));
  return *why ? NULL : new_crate(L, &listener_crate);
}

static void commit_listener(lua_State *L, rt_worker *w, int index, rt_thing *t) {
  rt_listener *l = lua_touserdata(L, index);
  crate *c = crate_of(t);
  (void)w;
  if (why_listener_stays(l)) return;
  rt_store(&c->fd, rt_sock_release(l->sock));
  c->nodelay = l->nodelay;
  l->sock = NULL;
  l->moved = true;
}

static void receive_listener(lua_State *L, rt_worker *w, rt_thing *t) {
  rt_listener *l = rtL_class_new(L, &w->classes, RT_CLASS_LISTENER, sizeof *l, 0);
  crate *c = crate_of(t);
  l->nodelay = c->nodelay;
  open_crate(L, w, c, &l->sock);
}

const rt_travel rt_listener_travel = {send_listener, commit_listener, receive_listener};
