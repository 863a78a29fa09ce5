/* io/dial.h - one connection, tried at up to eight addresses of a host.
**
** "Happy eyeballs" (RFC 8305): addresses of the two families alternate; the next one is tried when
** an attempt has failed, or has not succeeded for 250 ms; the first that succeeds is used and all
** others are closed.
**
** All functions are for the thread of the driver.
*/
#ifndef RT_IO_DIAL_H
#define RT_IO_DIAL_H

#include "event/driver.h"

#include <netdb.h>

enum { RT_DIAL_MAX_ADDRESSES = RT_SIZE(8, 2) }; /* later ones are not tried */

typedef struct rt_dial rt_dial;

/* Copies the addresses, of which there must be one. 'timeout' in ns, for all attempts together. The
** dial may be done when this returns. 0 or UV_ENOMEM. */
int rt_dial_start(rt_dial **out, rt_driver *d, const struct addrinfo *found, uint64_t timeout);

bool rt_dial_is_done(const rt_dial *d);
/* Parks the running task until the dial is done. */
void rt_dial_wait(rt_dial *d, rt_task *t);
/* Once, when it is done: the connected descriptor, which is the caller's now, or UV_E…. */
int rt_dial_take(rt_dial *d);
/* Ends the dial and closes all of its descriptors. */
void rt_dial_drop(rt_dial *d);

#endif
