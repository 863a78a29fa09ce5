/* io/resolve.h - names to addresses, by getaddrinfo on a thread of the thread pool.
**
** Numeric addresses are answered at once.  A lookup that its task no longer wants is
** dropped: the thread that waits for the name server finishes it and throws it away.
*/
#ifndef RT_IO_RESOLVE_H
#define RT_IO_RESOLVE_H

#include "event/thread_pool.h"
#include "event/driver.h"

#include <netdb.h>

enum { RT_RESOLVE_HOST_MAX = 255 };

typedef struct rt_resolve {
  rt_work_item item;
  rt_post post;
  rt_uv_handle handle;
  /* fixed */
  rt_thread_pool *thread_pool;
  rt_driver *home;
  struct addrinfo hints;
  char host[RT_RESOLVE_HOST_MAX + 1];
  char port[6];
  /* written by the thread, read at home after the post */
  int err;
  struct addrinfo *addresses;
  /* home */
  rt_list parked; /* the task that wants it */
  bool done;
} rt_resolve;

/* Host NULL or "*": any address of this machine (passive).  The answer may be there
** at once.  0 or UV_E… */
int rt_resolve_start(rt_resolve **out, rt_thread_pool *c, rt_driver *home, const char *host,
                     int port, bool passive);
void rt_resolve_drop(rt_resolve *l);

#endif
