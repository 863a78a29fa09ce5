/* io/tcp.h - the system calls of TCP sockets, on plain descriptors. Any thread. */
#ifndef RT_IO_TCP_H
#define RT_IO_TCP_H

#include "base/base.h"

#include <netdb.h>
#include <uv.h>

typedef struct rt_tcp_name {
  char host[INET6_ADDRSTRLEN + 16]; /* numeric; with the scope of a link-local address */
  int port;
  const char *family; /* "inet", "inet6" */
} rt_tcp_name;

/* (libuv's errors are those of the system, negated; it has no name for this one.) */
#define RT_EINPROGRESS (-EINPROGRESS)

/* All return 0, or a descriptor, or UV_E…. Descriptors are non-blocking, close-on-exec, and raise
** no SIGPIPE. */
int rt_tcp_socket(int family);
/* The one of two addresses' errors that says more; 0: the first address has none. An address that
** was reached says more than one that was not, and a family that this system has not got says the
** least. Of equal ones the first counts, since the resolver sorts addresses. */
int rt_tcp_clearer_error(int first, int next);
/* On the first of these addresses that this machine has. Only if it has not got an address, or its
** family, is the next one tried: if the port of the first one is in use, the caller has to know. */
int rt_tcp_listen(const struct addrinfo *addresses, int backlog, bool reuseport);
int rt_tcp_accept(int listener);
/* Another descriptor of the same socket. */
int rt_tcp_share(int fd);
/* RT_EINPROGRESS: when the socket is writable, rt_tcp_error returns the result. */
int rt_tcp_connect(int fd, const struct addrinfo *to);
int rt_tcp_error(int fd);
/* A socket that connects to a port of its own machine on which no program listens may be given that
** very port by the system: then it is connected to itself. */
bool rt_tcp_is_its_own_peer(int fd);
int rt_tcp_nodelay(int fd, bool on);
/* The peer is probed after so many idle seconds, then every second; the connection fails after ten
** probes without an answer. 0: off. */
int rt_tcp_keepalive(int fd, unsigned seconds);
int rt_tcp_shutdown(int fd); /* of writing */
int rt_tcp_peer_name(int fd, rt_tcp_name *name);
int rt_tcp_local_name(int fd, rt_tcp_name *name);

/* Errors of rt_tcp_accept, see accept(2). */
/* There is no descriptor or no memory for a connection now; it is worth trying again later. */
bool rt_tcp_is_shortage(int err);
/* The connection that would have been returned has failed or was refused, and is gone: only it is
** concerned, and the next one may be accepted at once. */
bool rt_tcp_is_of_one_connection(int err);
/* The process, or the system, has no free descriptor. */
static inline bool rt_tcp_lacks_descriptor(int err) { return err == UV_EMFILE || err == UV_ENFILE; }

#endif
