/* io/tcp.h - what a TCP socket can be told and asked, as plain descriptors. */
#ifndef RT_IO_TCP_H
#define RT_IO_TCP_H

#include "base/base.h"

#include <netdb.h>
#include <uv.h>

typedef struct rt_tcp_name {
  char host[INET6_ADDRSTRLEN + 16]; /* with a scope, for link-local addresses */
  int port;
  const char *family; /* "inet", "inet6" */
} rt_tcp_name;

#define RT_EINPROGRESS \
  (-EINPROGRESS) /* libuv's errors are the system's, negated; it has no name for this one */

/* All return 0 (or a descriptor) or UV_E… */
int rt_tcp_socket(int family); /* non-blocking, close-on-exec, quiet */
int rt_tcp_listen(const struct addrinfo *at, int backlog, bool reuseport);
int rt_tcp_accept(int listener);
int rt_tcp_connect(int fd, const struct addrinfo *to); /* RT_EINPROGRESS: ask rt_tcp_error later */
int rt_tcp_error(int fd);
int rt_tcp_nodelay(int fd, bool on);
int rt_tcp_keepalive(int fd, unsigned seconds); /* 0: off */
int rt_tcp_shutdown(int fd);
int rt_tcp_peer_name(int fd, rt_tcp_name *name);
int rt_tcp_local_name(int fd, rt_tcp_name *name);

/* No descriptor or no memory for one: it passes. */
bool rt_tcp_is_shortage(int err);

#endif
