#include "io/tcp.h"

#include "base/base.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static int result_of(int r) { return r < 0 ? -errno : r; }

static int set(int fd, int level, int option, int value) {
  return result_of(setsockopt(fd, level, option, &value, sizeof value));
}

static int quiet(int fd) {
#ifdef SO_NOSIGPIPE
  set(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  return fd;
}

#ifdef SOCK_NONBLOCK

int rt_tcp_socket(int family) {
  return result_of(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int rt_tcp_accept(int listener) {
  int fd;
  do fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return result_of(fd);
}

#else

static int prepare(int fd) {
  if (fd < 0) return fd;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return quiet(fd);
}

int rt_tcp_socket(int family) { return prepare(result_of(socket(family, SOCK_STREAM, 0))); }

int rt_tcp_accept(int listener) {
  int fd;
  do fd = accept(listener, NULL, NULL);
  while (fd < 0 && errno == EINTR);
  return prepare(result_of(fd));
}

#endif

int rt_tcp_listen(const struct addrinfo *at, int backlog, bool reuseport) {
  int err, fd = rt_tcp_socket(at->ai_family);
  if (fd < 0) return fd;
  quiet(fd);
  if ((err = set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) < 0) goto failed;
  if (reuseport) {
#ifdef SO_REUSEPORT
    err = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    err = UV_ENOTSUP;
#endif
    if (err < 0) goto failed;
  }
  if ((err = result_of(bind(fd, at->ai_addr, at->ai_addrlen))) < 0) goto failed;
  if ((err = result_of(listen(fd, backlog))) < 0) goto failed;
  return fd;
failed:
  close(fd);
  return err;
}

int rt_tcp_connect(int fd, const struct addrinfo *to) {
  int r;
  do r = connect(fd, to->ai_addr, to->ai_addrlen);
  while (r < 0 && errno == EINTR);
  return r < 0 ? -errno : 0;
}

int rt_tcp_error(int fd) {
  int err = 0;
  socklen_t size = sizeof err;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0) err = errno;
  return -err;
}

int rt_tcp_nodelay(int fd, bool on) { return set(fd, IPPROTO_TCP, TCP_NODELAY, on); }

/* After so many idle seconds the peer is asked, then each second; ten silences end it. */
int rt_tcp_keepalive(int fd, unsigned seconds) {
  int err = set(fd, SOL_SOCKET, SO_KEEPALIVE, seconds > 0);
#ifdef TCP_KEEPIDLE
  if (err == 0 && seconds > 0) err = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)seconds);
#endif
#ifdef TCP_KEEPINTVL
  if (err == 0 && seconds > 0) err = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
#endif
#ifdef TCP_KEEPCNT
  if (err == 0 && seconds > 0) err = set(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
#endif
  return err;
}

int rt_tcp_shutdown(int fd) { return result_of(shutdown(fd, SHUT_WR)); }

typedef int (*ask)(int, struct sockaddr *, socklen_t *);

static int name_of(int fd, ask who, rt_tcp_name *name) {
  struct sockaddr_storage at;
  socklen_t size = sizeof at;
  char port[8];
  if (who(fd, (struct sockaddr *)&at, &size) < 0) return -errno;
  if (getnameinfo((struct sockaddr *)&at, size, name->host, sizeof name->host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return UV_EINVAL;
  name->port = atoi(port);
  name->family = at.ss_family == AF_INET6 ? "inet6" : "inet";
  return 0;
}

int rt_tcp_peer_name(int fd, rt_tcp_name *name) { return name_of(fd, getpeername, name); }
int rt_tcp_local_name(int fd, rt_tcp_name *name) { return name_of(fd, getsockname, name); }

bool rt_tcp_is_shortage(int err) {
  return err == UV_EMFILE || err == UV_ENFILE || err == UV_ENOBUFS || err == UV_ENOMEM;
}
