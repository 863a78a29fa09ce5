#include "io/sock.h"

#include "event/uv_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* on such a system io/tcp.c sets SO_NOSIGPIPE */
#endif

static void sock_on_closed(uv_handle_t *h) { rt_free(h->data); }

static void sock_close_with_driver(rt_uv_handle *h) {
  rt_sock_close(rt_containerof(h, rt_sock, uv_handle));
}

static bool sock_is_awaited(rt_uv_handle *h) {
  rt_sock *s = rt_containerof(h, rt_sock, uv_handle);
  return rt_sock_has_parked(s, RT_READ) || rt_sock_has_parked(s, RT_WRITE);
}

int rt_sock_try_open(rt_sock **out, rt_driver *d, int fd) {
  rt_sock *s = rt_calloc(sizeof *s);
  int err = s == NULL ? UV_ENOMEM : uv_poll_init_socket(&d->loop, &s->poll, fd);
  if (err != 0) {
    rt_free(s);
    return err;
  }
  d->sockets++;
  s->poll.data = s;
  s->driver = d;
  s->fd = fd;
  rt_list_init(&s->parked[RT_READ]);
  rt_list_init(&s->parked[RT_WRITE]);
  rt_driver_add_uv_handle(d, &s->uv_handle, sock_close_with_driver);
  s->uv_handle.is_awaited = sock_is_awaited;
  *out = s;
  return 0;
}

int rt_sock_open(rt_sock **out, rt_driver *d, int fd) {
  int err = rt_sock_try_open(out, d, fd);
  if (err != 0) close(fd);
  return err;
}

static void wake_all(rt_sock *s, rt_side side) {
  rt_list *l;
  while ((l = rt_list_first(&s->parked[side])) != NULL)
    rt_driver_wake(s->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

int rt_sock_release(rt_sock *s) {
  int fd = s->fd;
  s->fd = -1;
  rt_driver_remove_uv_handle(&s->uv_handle);
  wake_all(s, RT_READ);
  wake_all(s, RT_WRITE);
  uv_close((uv_handle_t *)&s->poll, sock_on_closed); /* (removes it from epoll at once) */
  return fd;
}

void rt_sock_close(rt_sock *s) { close(rt_sock_release(s)); }

static void on_poll(uv_poll_t *poll, int status, int events);

/* If it fails, the loop does not poll the socket any more, so the tasks that wait try again. */
static int set_interest(rt_sock *s, int interest) {
  int err = interest ? rt_uv_loop_poll(&s->poll, s->fd, interest, on_poll) : uv_poll_stop(&s->poll);
  s->interest = err == 0 ? (uint8_t)interest : 0;
  if (err != 0) {
    wake_all(s, RT_READ);
    wake_all(s, RT_WRITE);
  }
  return err;
}

/* The socket is ready on this side: resumes the first task that waits or, if there is none, stops
** polling for this side. */
static void on_ready(rt_sock *s, rt_side side) {
  rt_list *l = rt_list_first(&s->parked[side]);
  if (side == RT_READ) s->maybe_readable = true;
  if (l)
    rt_driver_resume(s->driver, rt_containerof(l, rt_task, link));
  else if (s->interest & rt_sock_bit(side))
    set_interest(s, s->interest & ~rt_sock_bit(side));
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  rt_sock *s = poll->data;
  if (status < 0) { /* an error, and libuv has stopped polling: a read or a write returns it */
    s->interest = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  if (events & UV_READABLE) on_ready(s, RT_READ);
  if (events & UV_WRITABLE && s->fd >= 0) on_ready(s, RT_WRITE);
}

int rt_sock_add_interest(rt_sock *s, rt_side side) {
  return set_interest(s, s->interest | rt_sock_bit(side));
}

/* Returns the error of the last system call, and keeps it if the connection has failed by it. (With
** EPIPE only writing has ended, and after the others a call may succeed.) */
rt_noinline static int note_failure(rt_sock *s) {
  int err = errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
  switch (err) {
    case UV_EAGAIN:
    case UV_EPIPE:
    case UV_ENOMEM:
    case UV_ENOBUFS: break;
    default: s->error = err;
  }
  return err;
}

/* The next read finds the end, or the error, again. */
rt_noinline static int end_or_error(rt_sock *s, ssize_t got) {
  int err = got < 0 ? note_failure(s) : s->error;
  s->maybe_readable = err != UV_EAGAIN;
  return err;
}

ssize_t rt_sock_recv(rt_sock *s, void *to, size_t n) {
  ssize_t got;
  if (rt_chaos_is_due(RT_CHAOS_SHORTIO)) n = 1;
  do got = recv(s->fd, to, n, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  s->maybe_readable = got == (ssize_t)n; /* (a short read has emptied the socket) */
  return rt_likely(got > 0) ? got : end_or_error(s, got);
}

static ssize_t send_result(rt_sock *s, ssize_t n) { return n >= 0 ? n : note_failure(s); }

ssize_t rt_sock_send(rt_sock *s, const void *from, size_t n) {
  ssize_t r;
  if (rt_chaos_is_due(RT_CHAOS_SHORTIO)) n = 1;
  do r = send(s->fd, from, n, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (r < 0 && errno == EINTR);
  return send_result(s, r);
}

/* (A uv_buf_t has the layout of a struct iovec.) */
ssize_t rt_sock_sendv(rt_sock *s, const uv_buf_t *bufs, int n) {
  struct msghdr m = {.msg_iov = (struct iovec *)bufs, .msg_iovlen = (size_t)n};
  ssize_t r;
  if (n == 1 || rt_chaos_is_due(RT_CHAOS_SHORTIO))
    return rt_sock_send(s, bufs[0].base, bufs[0].len);
  do r = sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (r < 0 && errno == EINTR);
  return send_result(s, r);
}
