/* io/sock.h - waiting until a socket is ready, and non-blocking reads and writes.
**
** The loop reports when a socket is ready (uv_poll), and the task that waited for that then reads,
** writes or accepts itself. So no byte is read before a task wants it, a slow reader slows its peer
** down, a cancelled wait has read nothing, and a socket can move to another loop with all its
** bytes. libuv's streams are not used, for three reasons: their writes raise SIGPIPE, which then
** has to be ignored for the whole process (and breaks the end of a pipeline); at EMFILE they accept
** connections and drop them; and a uv_tcp_t cannot change its loop.
**
** When a task stops waiting, the loop continues to poll the socket, since the next task will likely
** wait for the same; polling ends at the first event for which no task waits. So in the steady
** state of request and response the only system calls are the read and the write.
**
** All functions are for the thread of the socket's driver.
*/
#ifndef RT_IO_SOCK_H
#define RT_IO_SOCK_H

#include "event/driver.h"

typedef enum rt_side { RT_READ, RT_WRITE } rt_side;

typedef struct rt_sock {
  uv_poll_t poll;
  rt_uv_handle uv_handle;
  rt_driver *driver;
  int fd;              /* -1: closed or released */
  uint8_t interest;    /* the events that the loop polls for: UV_READABLE, UV_WRITABLE */
  bool maybe_readable; /* a read may succeed: try it before waiting */
  int error;           /* UV_E…: the connection has failed, see rt_sock_recv; 0: it has not */
  rt_list parked[2];   /* tasks that wait, by side */
} rt_sock;

/* Takes over the descriptor, which is closed if this fails. 0 or UV_E… */
int rt_sock_open(rt_sock **out, rt_driver *d, int fd);
/* The same, but if this fails, the descriptor remains the caller's. */
int rt_sock_try_open(rt_sock **out, rt_driver *d, int fd);

/* Closes the descriptor and wakes the tasks that wait; each finds fd == -1. The caller's pointer is
** invalid from now on: the record is freed when libuv has closed its handle. */
void rt_sock_close(rt_sock *s);

/* The same, but the descriptor stays open and is returned. It may be opened in another loop at
** once: this loop does not poll it any more. */
int rt_sock_release(rt_sock *s);

/* Makes the loop poll for this side. 0 or UV_E… */
int rt_sock_add_interest(rt_sock *s, rt_side side);

static inline int rt_sock_bit(rt_side side) { return side == RT_READ ? UV_READABLE : UV_WRITABLE; }

/* Parks the running task until the socket is ready on this side, or closed. 0 or UV_E…: then the
** task is not parked. */
static inline int rt_sock_wait(rt_sock *s, rt_side side, rt_task *t, rt_op op) {
  int err = rt_likely(s->interest & rt_sock_bit(side)) ? 0 : rt_sock_add_interest(s, side);
  if (rt_likely(err == 0)) rt_task_park(t, op, s, &s->parked[side]);
  return err;
}

static inline bool rt_sock_has_parked(const rt_sock *s, rt_side side) {
  return !rt_list_is_empty(&s->parked[side]);
}

/* The number of bytes that were read or written; 0 of recv: the end; UV_EAGAIN: wait; else UV_E….
** sendv may write a part only, as send may.
**
** The system reports once that a connection has failed, to a read or to a write; the reads after
** that find an end. So the error is kept in s->error, and rt_sock_recv returns it in place of that
** end, each time. */
ssize_t rt_sock_recv(rt_sock *s, void *to, size_t n);
ssize_t rt_sock_send(rt_sock *s, const void *from, size_t n);
ssize_t rt_sock_sendv(rt_sock *s, const uv_buf_t *bufs, int n);

#endif
