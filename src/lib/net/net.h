/* lib/net/net.h - the bodies of rt.stream and rt.listener, and what the files of this folder share.
**
** All functions: worker's thread.
*/
#ifndef RT_LIB_NET_NET_H
#define RT_LIB_NET_NET_H

#include "base/buf.h"
#include "io/sock.h"
#include "io/tcp.h"
#include "lib/lib.h"

typedef struct rt_stream {
  rt_tag tag;
  rt_worker *worker;
  rt_sock *sock;         /* NULL: closed */
  rt_buf in;             /* bytes that have been received, and not returned to the program */
  bool reading, writing; /* a task waits in recv or read, in write: there may be one of each */
  bool moved;            /* sent to another task, so that it is closed here */
  rt_shared *origin;     /* what links it to its transfer (lib/net/move.c); NULL: it is in none */
  /* the operation that reads */
  size_t max;     /* recv: the number of bytes to return at most */
  size_t taken;   /* read: bytes of 'in' that matched formats use; dropped when all have matched */
  size_t scanned; /* read: bytes after those in which the present format has found no end */
  int format;     /* read: the number of formats that have matched */
  /* the operation that writes */
  size_t sent;  /* bytes of the present argument that have been sent */
  int argument; /* its stack index */
} rt_stream;

typedef struct rt_listener {
  rt_sock *sock;                /* NULL: closed */
  int accepting;                /* tasks that wait in the method accept */
  struct rt_takeover *takeover; /* see lib/net/takeover.h; NULL: it is of no server */
  int unopened; /* a connection that was accepted, and of which no stream could be made; -1: none */
  bool nodelay;
  bool warned;       /* a failure was reported; false again after the next accept */
  uint64_t again;    /* rt_clock: accepting has failed, so no accept before that; 0: no limit */
  bool moved;        /* sent to another task, so that it is closed here */
  rt_shared *origin; /* what links it to its transfer (lib/net/move.c); NULL: it is in none */
} rt_listener;

/* Pushes a closed stream, which the caller then gives a connected socket: an open socket is never
** held by the C stack alone, where an error would lose it. */
rt_stream *rtL_stream_new(lua_State *L, rt_worker *w);

/* Pushes a closed listener, in the same way. */
rt_listener *rtL_listener_new(lua_State *L, rt_worker *w);

/* The stream at index 1, open or closed; else an argument error. */
rt_stream *rtL_stream_any(lua_State *L);
/* The open stream at index 1; else an error, which rtL_stream_refuse raises. */
rt_stream *rtL_stream_refuse(lua_State *L);
static inline rt_stream *rtL_stream_check(lua_State *L) {
  rt_stream *s = rt_class_tagged(L, RT_CLASS_STREAM, 1);
  return rt_likely(s != NULL && s->sock != NULL && !s->worker->stop.closed) ? s
                                                                            : rtL_stream_refuse(L);
}

/* Receives bytes into 'in'. Returns 1: there are more now; 0: the peer has closed its side;
** UV_EAGAIN: there are none yet; or another UV_E… */
int rt_stream_fill(rt_stream *s);

/* Does a task wait for bytes, in a method or in a select? */
static inline bool rt_stream_has_reader(const rt_stream *s) {
  return s->reading || rt_sock_has_parked(s->sock, RT_READ);
}

/* Before an attempt: if a deadline of the task has passed, the attempt is the last one, so it asks
** the socket even if the event loop has not reported yet that there are bytes. */
static inline void rt_stream_force_attempt(rt_sock *s, const rt_task *t) {
  if (rt_unlikely(t->alert)) s->maybe_readable = true;
}

/* Closes the socket in *s, if there is one, and sets *s to NULL. Once the worker is closed, its
** driver has closed the socket. */
void rt_stream_release(rt_worker *w, rt_sock **s);

/* The job that runs, if one does, has got n sockets, or has closed one (-1). Those that it leaves
** open are closed by the collector of its worker, which is asked for that at the end of the job. A
** finalizer does not count: it runs in any task. For n = -1 the worker may collect garbage soon. */
void rt_stream_count(rt_worker *w, int n);

/* Pushes host, port, family; or, if err is not 0, nil, message, code. Returns 3. */
int rtL_stream_push_name(lua_State *L, int err, const rt_tcp_name *name);
/* Pushes the name as "127.0.0.1:80" or "[::1]:80". */
const char *rtL_stream_push_address(lua_State *L, const rt_tcp_name *name);

/* Lua functions, in lib/net/read.c: ... | nil [, message, code] = stream:read(...) */
int rtL_stream_read(lua_State *L);
/* for ... in stream:lines(...) */
int rtL_stream_lines(lua_State *L);

/* In lib/net/move.c: the object is closed or collected, so its transfer cannot give the socket
** back. */
void rt_stream_unlink_origin(rt_shared **link);

/* In lib/net/move.c: how they move to another task. */
extern const rt_travel rt_stream_travel, rt_listener_travel;

#endif
