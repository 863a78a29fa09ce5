/* lib/net/move.c - how streams and listeners move from one task to another.
**
** While a socket is on its way, its descriptor is in a transfer, a shared object of the message,
** with the bytes that were received and not read. There are three ends:
** 1. The message is unpacked. The first task that does so gets the descriptor, and opens it in the
**    loop of its worker. If other tasks unpack the same message (the results of a task), they get a
**    closed stream.
** 2. The message is not sent after all, and undone: the object that the socket came from gets it
**    back. An origin links that object and the transfer; either of them may be freed first.
** 3. The message is dropped: the transfer closes the descriptor.
*/
#include "lib/net/takeover.h"

#include <unistd.h>

/* Shared by a transfer and the object from which the socket came. */
typedef struct origin {
  rt_shared shared;
  /* the thread of that object's worker */
  void *object; /* the body of the userdata; NULL: collected, closed, or it has the socket again */
} origin;

typedef struct transfer {
  rt_shared shared;
  origin *origin;
  /* atomic */
  rt_atomic(int) fd; /* -1: it has been taken out; the thread that takes it also owns 'in' */
  /* the thread that has put in the descriptor, then the one that has taken it out */
  rt_buf in;
  bool nodelay;
  int error;             /* of the rt_sock */
  rt_takeover *takeover; /* of the rt_listener */
} transfer;

static void free_origin(rt_shared *shared) { rt_free(rt_containerof(shared, origin, shared)); }

static void free_transfer(rt_shared *shared) {
  transfer *x = rt_containerof(shared, transfer, shared);
  int fd = rt_load(&x->fd);
  if (x->takeover) rt_takeover_end(x->takeover);
  if (fd >= 0) close(fd);
  rt_buf_close(&x->in);
  rt_shared_drop(&x->origin->shared);
  rt_free(x);
}

static const rt_shared_kind origin_kind = {"origin", free_origin, -1, NULL};
static const rt_shared_kind stream_transfer_kind = {"stream", free_transfer, RT_CLASS_STREAM, NULL};
static const rt_shared_kind listener_transfer_kind = {"listener", free_transfer, RT_CLASS_LISTENER,
                                                      NULL};

static rt_shared *new_transfer(lua_State *L, const rt_shared_kind *kind) {
  transfer *x = rt_calloc(sizeof *x);
  origin *o = x ? rt_calloc(sizeof *o) : NULL;
  if (o == NULL) {
    rt_free(x);
    rtL_error_no_memory(L);
  }
  rt_shared_init(&o->shared, &origin_kind);
  rt_shared_init(&x->shared, kind);
  rt_atomic_init(&x->fd, -1);
  x->origin = o;
  return &x->shared;
}

static transfer *transfer_of(rt_shared *shared) { return rt_containerof(shared, transfer, shared); }

static void put_in(rt_worker *w, transfer *x, rt_sock *sock) {
  rt_stream_count(w, -1);
  x->error = sock->error;
  rt_store(&x->fd, rt_sock_release(sock));
}

/* Opens the descriptor, which the caller has taken out, in the loop of this worker. If this fails,
** the descriptor is closed. */
static int open_taken(rt_worker *w, transfer *x, int fd, rt_sock **sock) {
  int err = rt_sock_try_open(sock, &w->driver, fd);
  if (err == 0) {
    (*sock)->maybe_readable = true; /* no loop has watched it meanwhile */
    (*sock)->error = x->error;
    return 0;
  }
  if (x->takeover) rt_takeover_end(x->takeover);
  x->takeover = NULL;
  close(fd);
  return err;
}

/* Opens the descriptor in the loop of this worker. False: it has been taken out, or was never put
** in, since a finalizer has closed the stream between 'send' and 'commit'. */
static bool open_transfer(lua_State *L, rt_worker *w, transfer *x, rt_sock **sock) {
  int fd = rt_swap(&x->fd, -1);
  if (fd < 0) return false;
  int err = open_taken(w, x, fd, sock);
  if (err != 0)
    luaL_error(L, "cannot take over a %s: %s: %s", x->shared.kind->name, rt_system_error_name(err),
               rt_system_error_text(err));
  return true;
}

static void link_origin(transfer *x, void *object, rt_shared **link) {
  rt_shared_hold(&x->origin->shared);
  x->origin->object = object;
  *link = &x->origin->shared;
}

void rt_stream_unlink_origin(rt_shared **link) {
  if (*link == NULL) return;
  rt_containerof(*link, origin, shared)->object = NULL;
  rt_shared_drop(*link);
  *link = NULL;
}

/* Opens the descriptor for the object that it came from; false: it is gone, or cannot be opened. */
static bool recall_socket(rt_worker *w, transfer *x, rt_sock **sock) {
  int fd = w->stop.closed ? -1 : rt_swap(&x->fd, -1);
  if (fd < 0 || open_taken(w, x, fd, sock) != 0) return false;
  rt_stream_count(w, 1);
  return true;
}

/* --- streams ---------------------------------------------------------------------------------- */
static const char *why_stream_cannot_move(const rt_stream *s) {
  if (s->moved) return "a stream that was moved to another task";
  if (s->sock == NULL) return "a closed stream";
  if (rt_stream_has_reader(s)) return "a stream that a task is reading from";
  if (s->writing) return "a stream that a task is writing to";
  return NULL;
}

static rt_shared *send_stream(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)w;
  *why = why_stream_cannot_move(lua_touserdata(L, index));
  return *why ? NULL : new_transfer(L, &stream_transfer_kind);
}

static void commit_stream(lua_State *L, rt_worker *w, int index, rt_shared *shared) {
  rt_stream *s = lua_touserdata(L, index);
  transfer *x = transfer_of(shared);
  if (why_stream_cannot_move(s)) return;
  put_in(w, x, s->sock);
  x->in = s->in;
  s->sock = NULL;
  s->moved = true;
  rt_buf_init(&s->in);
  link_origin(x, s, &s->origin);
}

static void recall_stream(rt_worker *w, rt_shared *shared) {
  transfer *x = transfer_of(shared);
  rt_stream *s = x->origin->object;
  if (s == NULL || !recall_socket(w, x, &s->sock)) return;
  s->in = x->in;
  s->moved = false;
  rt_buf_init(&x->in);
  rt_stream_unlink_origin(&s->origin);
}

static void receive_stream(lua_State *L, rt_worker *w, rt_shared *shared) {
  rt_stream *s = rtL_stream_new(L, w);
  transfer *x = transfer_of(shared);
  if (!open_transfer(L, w, x, &s->sock)) return;
  s->in = x->in;
  rt_buf_init(&x->in);
}

const rt_travel rt_stream_travel = {send_stream, commit_stream, receive_stream, recall_stream};

/* --- listeners -------------------------------------------------------------------------------- */
static const char *why_listener_cannot_move(const rt_listener *l) {
  if (l->moved) return "a listener that was moved to another task";
  if (l->sock == NULL) return "a closed listener";
  if (l->accepting > 0 || l->unopened >= 0 || rt_sock_has_parked(l->sock, RT_READ))
    return "a listener that a task is accepting from";
  if (l->takeover && rt_takeover_has_arrived(l->takeover))
    return "a listener of a server, which stays on its worker";
  return NULL;
}

static rt_shared *send_listener(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)w;
  *why = why_listener_cannot_move(lua_touserdata(L, index));
  return *why ? NULL : new_transfer(L, &listener_transfer_kind);
}

static void commit_listener(lua_State *L, rt_worker *w, int index, rt_shared *shared) {
  rt_listener *l = lua_touserdata(L, index);
  transfer *x = transfer_of(shared);
  if (why_listener_cannot_move(l)) return;
  put_in(w, x, l->sock);
  x->nodelay = l->nodelay;
  x->takeover = l->takeover;
  l->takeover = NULL;
  l->sock = NULL;
  l->moved = true;
  link_origin(x, l, &l->origin);
}

static void recall_listener(rt_worker *w, rt_shared *shared) {
  transfer *x = transfer_of(shared);
  rt_listener *l = x->origin->object;
  if (l == NULL || !recall_socket(w, x, &l->sock)) return;
  l->takeover = x->takeover;
  x->takeover = NULL;
  l->moved = false;
  rt_stream_unlink_origin(&l->origin);
}

static void receive_listener(lua_State *L, rt_worker *w, rt_shared *shared) {
  rt_listener *l = rtL_listener_new(L, w);
  transfer *x = transfer_of(shared);
  l->nodelay = x->nodelay;
  if (!open_transfer(L, w, x, &l->sock)) return;
  l->takeover = x->takeover;
  x->takeover = NULL;
  if (l->takeover) rt_takeover_arrive(l->takeover, w, l);
}

const rt_travel rt_listener_travel = {send_listener, commit_listener, receive_listener,
                                      recall_listener};
