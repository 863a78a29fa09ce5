#include "sock.h"

#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* there, tcp.c sets SO_NOSIGPIPE */
#endif

static void on_closed(uv_handle_t *h) { rt_free(h->data); }

static void close_with_driver(rt_handle *h) { rt_sock_close(rt_containerof(h, rt_sock, handle)); }

int rt_sock_open(rt_sock **out, rt_driver *d, int fd) {
  rt_sock *s = rt_calloc(sizeof *s);
  int err = s == NULL ? UV_ENOMEM : uv_poll_init_socket(&d->loop, &s->poll, fd);
  if (err != 0) {
    rt_free(s);
    close(fd);
    return err;
  }
  s->poll.data = s;
  s->driver = d;
  s->fd = fd;
  rt_list_init(&s->waiting[RT_READ]);
  rt_list_init(&s->waiting[RT_WRITE]);
  rt_driver_adopt(d, &s->handle, close_with_driver);
  *out = s;
  return 0;
}

static void wake_all(rt_sock *s, rt_side side) {
  rt_list *l;
  while ((l = rt_list_first(&s->waiting[side])) != NULL)
    rt_task_wake(rt_containerof(l, rt_task, link), s->driver, RT_FIRED);
}

void rt_sock_close(rt_sock *s) {
  int fd = s->fd;
  s->fd = -1;
  rt_driver_disown(&s->handle);
  wake_all(s, RT_READ);
  wake_all(s, RT_WRITE);
  uv_close((uv_handle_t *)&s->poll, on_closed);
  close(fd); /* the loop has forgotten it already, and the peer should hear of it now */
}

static void on_poll(uv_poll_t *poll, int status, int events);

static int set_interest(rt_sock *s, int wanted) {
  s->wanted = (uint8_t)wanted;
  return wanted ? uv_poll_start(&s->poll, wanted, on_poll) : uv_poll_stop(&s->poll);
}

static int bit_of(rt_side side) { return side == RT_READ ? UV_READABLE : UV_WRITABLE; }

static void ready(rt_sock *s, rt_side side) {
  rt_list *l = rt_list_first(&s->waiting[side]);
  if (side == RT_READ) s->may_read = true;
  if (l)
    rt_task_resume(rt_containerof(l, rt_task, link), s->driver);
  else if (s->wanted & bit_of(side))
    set_interest(s, s->wanted & ~bit_of(side));
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  rt_sock *s = poll->data;
  if (status < 0) { /* an error on the socket; libuv has stopped polling: let them all look */
    s->wanted = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  if (events & UV_READABLE) ready(s, RT_READ);
  if (events & UV_WRITABLE && s->fd >= 0) ready(s, RT_WRITE);
}

int rt_sock_wait(rt_sock *s, rt_side side, rt_task *t, rt_op op) {
  if ((s->wanted & bit_of(side)) == 0) {
    int err = set_interest(s, s->wanted | bit_of(side));
    if (rt_unlikely(err != 0)) return err;
  }
  rt_task_park(t, op, s, &s->waiting[side]);
  return 0;
}

ssize_t rt_sock_recv(rt_sock *s, void *to, size_t n) {
  ssize_t got;
  if (rt_chaos_strikes(RT_CHAOS_SHORTIO)) n = 1;
  do got = recv(s->fd, to, n, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  s->may_read = got == (ssize_t)n; /* a short read has taken all there was */
  return got >= 0 ? got : errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
}

ssize_t rt_sock_send(rt_sock *s, const uv_buf_t *bufs, int n) {
  ssize_t sent;
  struct iovec one = {bufs[0].base, bufs[0].len};
  struct msghdr m = {.msg_iov = (struct iovec *)bufs, .msg_iovlen = (size_t)n}; /* uv_buf_t is one */
  if (rt_chaos_strikes(RT_CHAOS_SHORTIO)) {
    if (one.iov_len > 1) one.iov_len = 1;
    m.msg_iov = &one;
    m.msg_iovlen = 1;
  }
  do sent = m.msg_iovlen == 1 ? send(s->fd, m.msg_iov->iov_base, m.msg_iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL)
                              : sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0 ? sent : errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
}
