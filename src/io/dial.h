/* io/dial.h - one connection, tried at up to eight addresses of a host.
**
** Happy eyeballs (RFC 8305): the families take turns, a next address is tried when
** one has failed or has been silent for 250 ms, and the first that answers wins.
*/
#ifndef RT_IO_DIAL_H
#define RT_IO_DIAL_H

#include "event/driver.h"

#include <netdb.h>

enum { RT_DIAL_MAX_ADDRESSES = RT_SIZE(8, 2) }; /* addresses that are tried */

typedef struct rt_dial rt_dial;

/* 'timeout' in nanoseconds.  It may be over at once. */
int rt_dial_start(rt_dial **out, rt_driver *d, const struct addrinfo *found, uint64_t timeout);

bool rt_dial_is_done(const rt_dial *d);
/* The running task waits for the end. */
void rt_dial_wait(rt_dial *d, rt_task *t);
/* Over: the descriptor, now the caller's, or UV_E…; at most once. */
int rt_dial_take(rt_dial *d);
/* Closes whatever is open. */
void rt_dial_drop(rt_dial *d);

#endif
