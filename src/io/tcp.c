#include "io/tcp.h"

#include "base/base.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static int tcp_result(int r) { return r < 0 ? -errno : r; }

static int set_option(int fd, int level, int option, int value) {
  return tcp_result(setsockopt(fd, level, option, &value, sizeof value));
}

static int disable_sigpipe(int fd) {
#ifdef SO_NOSIGPIPE
  set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  return fd;
}

#ifdef SOCK_NONBLOCK

int rt_tcp_socket(int family) {
  return tcp_result(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int rt_tcp_accept(int listener) {
  int fd;
  do fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return tcp_result(fd);
}

#else

static int prepare_socket(int fd) {
  if (fd < 0) return fd;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return disable_sigpipe(fd);
}

int rt_tcp_socket(int family) { return prepare_socket(tcp_result(socket(family, SOCK_STREAM, 0))); }

int rt_tcp_accept(int listener) {
  int fd;
  do fd = accept(listener, NULL, NULL);
  while (fd < 0 && errno == EINTR);
  return prepare_socket(tcp_result(fd));
}

#endif

static int listen_at(const struct addrinfo *at, int backlog, bool reuseport) {
  int err, fd = rt_tcp_socket(at->ai_family);
  if (fd < 0) return fd;
  disable_sigpipe(fd);
  if ((err = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) < 0) goto failed;
  if (reuseport) {
#ifdef SO_REUSEPORT
    err = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    err = UV_ENOTSUP;
#endif
    if (err < 0) goto failed;
  }
  if ((err = tcp_result(bind(fd, at->ai_addr, at->ai_addrlen))) < 0) goto failed;
  if ((err = tcp_result(listen(fd, backlog))) < 0) goto failed;
  return fd;
failed:
  close(fd);
  return err;
}

static int clearness(int err) {
  switch (err) {
    case 0: return 0;
    case UV_EAFNOSUPPORT: return 1;
    case UV_EADDRNOTAVAIL:
    case UV_ENETUNREACH: return 2;
    default: return 3;
  }
}

int rt_tcp_clearer_error(int first, int next) {
  return clearness(next) > clearness(first) ? next : first;
}

int rt_tcp_listen(const struct addrinfo *addresses, int backlog, bool reuseport) {
  int err = 0;
  for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
    int fd = listen_at(at, backlog, reuseport);
    if (fd >= 0) return fd;
    err = rt_tcp_clearer_error(err, fd);
    if (fd != UV_EADDRNOTAVAIL && fd != UV_EAFNOSUPPORT) break;
  }
  return err;
}

int rt_tcp_share(int fd) { return tcp_result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

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

static bool is_same_place(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
  if (a->ss_family != b->ss_family) return false;
  if (a->ss_family == AF_INET6) {
    const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a,
                              *y = (const struct sockaddr_in6 *)b;
    return x->sin6_port == y->sin6_port &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
  }
  const struct sockaddr_in *x = (const struct sockaddr_in *)a, *y = (const struct sockaddr_in *)b;
  return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
}

bool rt_tcp_is_its_own_peer(int fd) {
  struct sockaddr_storage here, there;
  socklen_t size = sizeof here, peer_size = sizeof there;
  return getsockname(fd, (struct sockaddr *)&here, &size) == 0 &&
         getpeername(fd, (struct sockaddr *)&there, &peer_size) == 0 &&
         is_same_place(&here, &there);
}

int rt_tcp_nodelay(int fd, bool on) { return set_option(fd, IPPROTO_TCP, TCP_NODELAY, on); }

int rt_tcp_keepalive(int fd, unsigned seconds) {
  int err = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, seconds > 0);
#ifdef TCP_KEEPIDLE
  if (err == 0 && seconds > 0) err = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)seconds);
#endif
#ifdef TCP_KEEPINTVL
  if (err == 0 && seconds > 0) err = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
#endif
#ifdef TCP_KEEPCNT
  if (err == 0 && seconds > 0) err = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
#endif
  return err;
}

int rt_tcp_shutdown(int fd) { return tcp_result(shutdown(fd, SHUT_WR)); }

typedef int (*name_call)(int, struct sockaddr *, socklen_t *); /* getpeername, getsockname */

static int tcp_name(int fd, name_call call, rt_tcp_name *name) {
  struct sockaddr_storage at;
  socklen_t size = sizeof at;
  char port[8];
  if (call(fd, (struct sockaddr *)&at, &size) < 0) return -errno;
  if (getnameinfo((struct sockaddr *)&at, size, name->host, sizeof name->host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return UV_EINVAL;
  name->port = atoi(port);
  name->family = at.ss_family == AF_INET6 ? "inet6" : "inet";
  return 0;
}

int rt_tcp_peer_name(int fd, rt_tcp_name *name) { return tcp_name(fd, getpeername, name); }
int rt_tcp_local_name(int fd, rt_tcp_name *name) { return tcp_name(fd, getsockname, name); }

bool rt_tcp_is_shortage(int err) {
  return rt_tcp_lacks_descriptor(err) || err == UV_ENOBUFS || err == UV_ENOMEM;
}

/* Linux returns errors of the network that the new connection has met; a filter refuses one with
** EPERM. (libuv has no names for all of these.) */
bool rt_tcp_is_of_one_connection(int err) {
  switch (-err) {
    case ECONNABORTED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:
    case EPROTO:
    case EPROTONOSUPPORT:
    case ESOCKTNOSUPPORT:
    case ETIMEDOUT:
#ifdef ENONET
    case ENONET:
#endif
#ifdef ENOSR
    case ENOSR:
#endif
      return true;
    default: return false;
  }
}
