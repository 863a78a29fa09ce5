/* io/resolve.h - names to addresses, by getaddrinfo on a thread of the thread pool.
**
** Numeric addresses are answered at once, and so is localhost with the names below it, which is
** 127.0.0.1 and ::1 on every machine. A lookup whose task does not want it any more is dropped:
** the thread that waits for the name server finishes it and frees the result.
*/
#ifndef RT_IO_RESOLVE_H
#define RT_IO_RESOLVE_H

#include "event/driver.h"
#include "event/thread_pool.h"

#include <netdb.h>
#include <netinet/in.h>

enum { RT_RESOLVE_HOST_MAX = 255 }; /* bytes of a host name */

typedef struct rt_resolve {
  rt_work_item item;
  rt_post post; /* to 'driver': the lookup has ended */
  rt_uv_handle uv_handle;
  /* fixed */
  rt_thread_pool *thread_pool;
  rt_driver *driver; /* of the task that waits */
  struct addrinfo hints;
  char host[RT_RESOLVE_HOST_MAX + 1]; /* "": any address */
  char port[6];
  struct addrinfo loopback[2]; /* 'addresses' of localhost, and what they point to */
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
  /* thread of the thread pool; driver's thread after the post */
  int err; /* 0 or UV_E… */
  struct addrinfo *addresses;
  /* driver's thread */
  rt_timer_call hurry; /* set while it is, or was a moment ago, in the thread pool's queue */
  rt_list parked;      /* the task that waits */
  bool done;           /* err and addresses are valid */
} rt_resolve;

/* Driver's thread. 'host' NULL or "*": any address of this machine, for listening ('passive'). The
** lookup may be done when this returns. 0 or UV_E…: no lookup was made. */
int rt_resolve_start(rt_resolve **out, rt_thread_pool *thread_pool, rt_driver *driver,
                     const char *host, int port, bool passive);
/* Driver's thread. The lookup may be at any stage. Frees the addresses. */
void rt_resolve_drop(rt_resolve *r);

#endif
