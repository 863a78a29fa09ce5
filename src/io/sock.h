/* io/sock.h - waiting for a socket.
**
** The loop tells when a socket is ready (uv_poll); the task that waited for that
** reads, writes or accepts by itself.  So nothing is read that nobody asked for, a
** slow reader slows its peer, a cancelled wait has taken nothing, and a socket can
** move to another loop with all its bytes.  We do not use libuv's streams for three
** reasons, each of which we ran into: their writes raise SIGPIPE, which then has to be
** ignored for the whole process and with it the end of a pipeline; at EMFILE they
** accept connections and drop them; and a uv_tcp_t cannot change its loop.
**
** Interest is lazy: it stays when the waiter has gone, since it will likely be back,
** and is dropped at the first event that nobody waits for.  In the steady state of
** request and response there is no system call but the read and the write.
*/
#ifndef RT_IO_SOCK_H
#define RT_IO_SOCK_H

#include "event/driver.h"

typedef enum rt_side { RT_READ, RT_WRITE } rt_side;

typedef struct rt_sock {
  uv_poll_t poll;
  rt_uv_handle handle;
  rt_driver *driver;
  int fd;              /* -1: closed */
  uint8_t interest;    /* what the loop is to tell, in libuv's bits */
  bool maybe_readable; /* there may be something to read: worth a try before waiting */
  rt_list waiters[2];  /* by side */
} rt_sock;

/* Takes the descriptor over; on failure it is closed.  0 or UV_E… */
int rt_sock_open(rt_sock **out, rt_driver *d, int fd);

/* Whoever waits for it is woken and finds it closed.  The record lives on until libuv
** has let go of it; after this call it is not its owner's any more. */
void rt_sock_close(rt_sock *s);

/* The same, but the descriptor stays open and is returned: it may go to another loop at
** once, since ours has forgotten it. */
int rt_sock_release(rt_sock *s);

/* The running task waits until the socket is ready on this side.  0 or UV_E… */
int rt_sock_add_interest(rt_sock *s, rt_side side); /* … which the loop must be told first */
static inline int rt_sock_bit(rt_side side) { return side == RT_READ ? UV_READABLE : UV_WRITABLE; }
static inline int rt_sock_wait(rt_sock *s, rt_side side, rt_task *t, rt_op op) {
  int err = rt_likely(s->interest & rt_sock_bit(side)) ? 0 : rt_sock_add_interest(s, side);
  if (rt_likely(err == 0)) rt_task_park(t, op, s, &s->waiters[side]);
  return err;
}

static inline bool rt_sock_has_waiter(const rt_sock *s, rt_side side) {
  return !rt_list_empty(&s->waiters[side]);
}

/* Bytes taken or sent; 0 of recv is the end; UV_EAGAIN: wait; else UV_E… */
ssize_t rt_sock_recv(rt_sock *s, void *to, size_t n);
ssize_t rt_sock_send(rt_sock *s, const void *from, size_t n);
ssize_t rt_sock_sendv(rt_sock *s, const uv_buf_t *bufs, int n);

#endif
