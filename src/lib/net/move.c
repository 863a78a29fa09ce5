/* lib/net/move.c - how streams and listeners move from one task to another.
**
** On the way the descriptor is in a crate, with what had arrived and was not read. A crate
** that nobody opens closes it; or the sender, whose object still knows it, takes it out again: a
** send that comes to nothing has moved nothing. A task's result may have several readers, in several threads:
** the first one gets the stream, the others a closed one.
*/
#include "lib/net/net.h"

#include <unistd.h>

/* What ties the object that something moved from to its crate: either may go first. */
typedef struct tie {
  rt_shared shared;
  void *origin; /* home of the object; NULL: it has gone, or was closed */
} tie;

typedef struct crate {
  rt_shared shared;
  tie *tie;
  rt_atomic(int) fd; /* -1: nothing in it; whoever takes it out has the rest, too */
  rt_buf in;
  bool nodelay;
} crate;

static void free_tie(rt_shared *t) { rt_free(rt_containerof(t, tie, shared)); }

static void free_crate(rt_shared *t) {
  crate *c = rt_containerof(t, crate, shared);
  int fd = rt_load(&c->fd);
  if (fd >= 0) close(fd);
  rt_buf_close(&c->in);
  rt_shared_drop(&c->tie->shared);
  rt_free(c);
}

static const rt_shared_kind tie_kind = {"tie", free_tie, -1};
static const rt_shared_kind stream_crate = {"stream", free_crate, RT_CLASS_STREAM};
static const rt_shared_kind listener_crate = {"listener", free_crate, RT_CLASS_LISTENER};

static rt_shared *new_crate(lua_State *L, const rt_shared_kind *kind) {
  crate *c = rt_calloc(sizeof *c);
  tie *t = c ? rt_calloc(sizeof *t) : NULL;
  if (t == NULL) {
    rt_free(c);
    rtL_no_memory(L);
  }
  rt_shared_init(&t->shared, &tie_kind);
  rt_shared_init(&c->shared, kind);
  rt_atomic_init(&c->fd, -1);
  c->tie = t;
  return &c->shared;
}

static crate *crate_of(rt_shared *t) { return rt_containerof(t, crate, shared); }

/* The descriptor gets a loop again; false: it has gone. (One that was closed after all, by a
** finalizer, before it could move is as closed here.) */
static bool open_crate(lua_State *L, rt_worker *w, crate *c, rt_sock **sock) {
  int fd = rt_swap(&c->fd, -1);
  if (fd < 0) return false;
  int err = rt_sock_open(sock, &w->driver, fd);
  if (err != 0) luaL_error(L, "cannot take over a %s: %s", c->shared.kind->name, uv_strerror(err));
  (*sock)->maybe_readable = true; /* what it waits for may have come meanwhile */
  return true;
}

static void tie_to(crate *c, void *origin, rt_shared **end) {
  rt_shared_hold(&c->tie->shared);
  c->tie->origin = origin;
  *end = &c->tie->shared;
}

void rt_stream_cut_tie(rt_shared **end) {
  if (*end == NULL) return;
  rt_containerof(*end, tie, shared)->origin = NULL;
  rt_shared_drop(*end);
  *end = NULL;
}

/* The object that it moved from has it again; or false. */
static bool take_back(rt_worker *w, crate *c, rt_sock **sock) {
  int fd = w->stop.closed ? -1 : rt_swap(&c->fd, -1);
  if (fd < 0 || rt_sock_open(sock, &w->driver, fd) != 0) return false;
  (*sock)->maybe_readable = true;
  return true;
}

/* --- streams ---------------------------------------------------------------------------------- */
static const char *why_stream_stays(const rt_stream *s) {
  if (s->moved) return "a stream that was moved to another task";
  if (s->sock == NULL) return "a closed stream";
  if (rt_stream_is_read(s)) return "a stream that a task is reading from";
  if (s->writing) return "a stream that a task is writing to";
  return NULL;
}

static rt_shared *send_stream(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)w;
  *why = why_stream_stays(lua_touserdata(L, index));
  return *why ? NULL : new_crate(L, &stream_crate);
}

static void commit_stream(lua_State *L, rt_worker *w, int index, rt_shared *t) {
  rt_stream *s = lua_touserdata(L, index);
  crate *c = crate_of(t);
  (void)w;
  if (why_stream_stays(s)) return;
  rt_store(&c->fd, rt_sock_release(s->sock));
  c->in = s->in;
  s->sock = NULL;
  s->moved = true;
  rt_buf_init(&s->in);
  tie_to(c, s, &s->tie);
}

static void recall_stream(rt_worker *w, rt_shared *t) {
  crate *c = crate_of(t);
  rt_stream *s = c->tie->origin;
  if (s == NULL || !take_back(w, c, &s->sock)) return;
  s->in = c->in;
  s->moved = false;
  rt_buf_init(&c->in);
  rt_stream_cut_tie(&s->tie);
}

static void receive_stream(lua_State *L, rt_worker *w, rt_shared *t) {
  rt_stream *s = rtL_stream_new(L, w);
  crate *c = crate_of(t);
  if (!open_crate(L, w, c, &s->sock)) return;
  s->in = c->in;
  rt_buf_init(&c->in);
}

const rt_travel rt_stream_travel = {send_stream, commit_stream, receive_stream, recall_stream};

/* --- listeners -------------------------------------------------------------------------------- */
static const char *why_listener_stays(const rt_listener *l) {
  if (l->moved) return "a listener that was moved to another task";
  if (l->sock == NULL) return "a closed listener";
  if (l->accepting > 0 || rt_sock_has_waiter(l->sock, RT_READ))
    return "a listener that a task is accepting from";
  return NULL;
}

static rt_shared *send_listener(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)w;
  *why = why_listener_stays(lua_touserdata(L, index));
  return *why ? NULL : new_crate(L, &listener_crate);
}

static void commit_listener(lua_State *L, rt_worker *w, int index, rt_shared *t) {
  rt_listener *l = lua_touserdata(L, index);
  crate *c = crate_of(t);
  (void)w;
  if (why_listener_stays(l)) return;
  rt_store(&c->fd, rt_sock_release(l->sock));
  c->nodelay = l->nodelay;
  l->sock = NULL;
  l->moved = true;
  tie_to(c, l, &l->tie);
}

static void recall_listener(rt_worker *w, rt_shared *t) {
  crate *c = crate_of(t);
  rt_listener *l = c->tie->origin;
  if (l == NULL || !take_back(w, c, &l->sock)) return;
  l->moved = false;
  rt_stream_cut_tie(&l->tie);
}

static void receive_listener(lua_State *L, rt_worker *w, rt_shared *t) {
  rt_listener *l = rtL_class_new(L, &w->classes, RT_CLASS_LISTENER, sizeof *l, 0);
  crate *c = crate_of(t);
  l->nodelay = c->nodelay;
  open_crate(L, w, c, &l->sock);
}

const rt_travel rt_listener_travel = {send_listener, commit_listener, receive_listener,
                                      recall_listener};
