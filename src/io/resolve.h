/* io/resolve.h - names to addresses, by getaddrinfo on a thread of the crew.
**
** Numeric addresses are answered at once.  A lookup that its task no longer wants is
** dropped: the thread that waits for the name server finishes it and throws it away.
*/
#ifndef RT_LOOKUP_H
#define RT_LOOKUP_H

#include "event/thread_pool.h"
#include "event/driver.h"

#include <netdb.h>

enum { RT_HOST_LONGEST = 255 };

typedef struct rt_lookup {
  rt_chore chore;
  rt_post post;
  rt_handle handle;
  /* fixed */
  rt_crew *crew;
  rt_driver *home;
  struct addrinfo hints;
  char host[RT_HOST_LONGEST + 1];
  char port[6];
  /* written by the thread, read at home after the post */
  int err;
  struct addrinfo *found;
  /* home */
  rt_list waiter; /* the task that wants it */
  bool answered;
} rt_lookup;

/* Host NULL or "*": any address of this machine (passive).  The answer may be there
** at once.  0 or UV_E… */
int rt_lookup_start(rt_lookup **out, rt_crew *c, rt_driver *home, const char *host, int port,
                    bool passive);
void rt_lookup_drop(rt_lookup *l);

#endif
