/* lib/net/net.h - streams and listeners as Lua holds them: the socket, and what has arrived early. */
#ifndef RT_LIB_NET_NET_H
#define RT_LIB_NET_NET_H

#include "base/buf.h"
#include "lib/lib.h"
#include "io/sock.h"
#include "io/tcp.h"

typedef struct rt_stream {
  rt_tag tag;
  rt_worker *worker;
  rt_sock *sock; /* NULL: closed */
  rt_buf in;     /* has arrived, and no operation has taken it */
  /* One reader and one writer at a time. The flags stand while an operation waits. */
  bool reading, writing;
  bool moved;     /* to another task; closed here */
  rt_shared *tie; /* to the crate in which it moved; NULL: none */
  /* where they are: */
  size_t most;    /* the reader: what it wants at most, */
  size_t taken;   /* bytes of 'in' that its finished formats use, */
  size_t scanned; /* and those that the present one has looked at */
  int format;
  size_t sent; /* the writer: bytes of its argument number 'argument' */
  int argument;
} rt_stream;

typedef struct rt_listener {
  rt_sock *sock; /* NULL: closed */
  int accepting; /* tasks that wait for a stream */
  bool nodelay;
  bool warned;    /* of a shortage of descriptors that still lasts, */
  uint64_t again; /* and when a select tries next (rt_clock) */
  bool moved;     /* to another task; closed here */
  rt_shared *tie; /* to the crate in which it moved; NULL: none */
} rt_listener;

/* Pushes a closed stream, which then gets a connected socket: nothing that is open is
** ever held by the C stack alone. */
rt_stream *rtL_stream_new(lua_State *L, rt_worker *w);

/* The stream at index 1, open or not. */
rt_stream *rtL_stream_any(lua_State *L);
/* The open stream at index 1, or an error. */
rt_stream *rtL_stream_refuse(lua_State *L); /* the error */
static inline rt_stream *rtL_stream_check(lua_State *L) {
  rt_stream *s = rt_class_tagged(L, RT_CLASS_STREAM, 1);
  return rt_likely(s != NULL && s->sock != NULL && !s->worker->stop.closed) ? s
                                                                            : rtL_stream_refuse(L);
}

/* Takes what has arrived into 'in'. 1: more is there now; 0: the end; UV_EAGAIN: wait;
** else UV_E… */
int rt_stream_fill(rt_stream *s);

/* Does a task wait to read: in an operation, or in a select? */
static inline bool rt_stream_is_read(const rt_stream *s) {
  return s->reading || rt_sock_has_waiter(s->sock, RT_READ);
}

/* If a deadline of the task has passed, this is the last chance of what is there already, and
** the loop may not have told of it yet. */
static inline void rt_stream_last_chance(rt_sock *s, const rt_task *t) {
  if (rt_unlikely(t->alert)) s->maybe_readable = true;
}

/* Closes a socket; when the worker has gone, its driver has closed everything. */
void rt_stream_release(rt_worker *w, rt_sock **s);
/* results = host, port, family | nil, message, code */
int rtL_stream_push_name(lua_State *L, int err, const rt_tcp_name *name);
/* Pushes "127.0.0.1:80", "[::1]:80". */
const char *rtL_stream_push_address(lua_State *L, const rt_tcp_name *name);

/* results = stream:read(...)   lib/net/read.c */
int rtL_stream_read(lua_State *L);
/* for ... in stream:lines(...) */
int rtL_stream_lines(lua_State *L);

/* It was closed, or collected: what has moved does not come back.   lib/net/move.c */
void rt_stream_cut_tie(rt_shared **tie);

/* How they move to another task.   lib/net/move.c */
extern const rt_travel rt_stream_travel, rt_listener_travel;

#endif
