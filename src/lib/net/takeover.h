/* lib/net/takeover.h - connections that a stuck worker does not accept go to other workers.
**
** Each acceptor of a server has a listener of its own worker. A worker that is in a C function does
** not poll, and the connections in the queue of its listener would wait until the function returns.
** So the listeners of a server know of each other: each has a takeover, and those of one server are
** linked in a ring. When the watchdog has found a worker that is stuck, its thread accepts from the
** listener of that worker, and posts each connection to a worker of the ring that is not stuck, as
** if the listener there had accepted it. The queue stays as it is, so no connection is lost when
** the worker goes on. A server with one socket for all workers ("handoff") has spare listeners on
** the others, which accept nothing themselves.
**
** While no worker is stuck none of this costs anything: the watchdog looks at its workers anyway.
**
** The lock of the worker registry guards the list of all takeovers, the rings, and the fields that
** are marked. It is held while the watchdog accepts: so the descriptor is not closed meanwhile, and
** a worker that is given a connection has not left the registry.
*/
#ifndef RT_LIB_NET_TAKEOVER_H
#define RT_LIB_NET_TAKEOVER_H

#include "lib/net/net.h"

typedef struct rt_takeover rt_takeover;

/* The thread that opens a server: gives its listener a takeover, in the ring of its first listener,
** which may be NULL. False: no memory. */
bool rt_takeover_join(rt_listener *l, const rt_listener *first, bool spare);

/* The thread of the listener's worker: it has been opened in the loop of this worker, and takes
** part from now on. */
void rt_takeover_arrive(rt_takeover *t, rt_worker *w, rt_listener *l);
/* The same thread, or that which frees a transfer: the descriptor is about to be closed. */
void rt_takeover_end(rt_takeover *t);

/* The thread of the listener's worker: */
/* There is a connection to be accepted here, which the listener of a stuck worker had. */
bool rt_takeover_has_connection(const rt_takeover *t);
/* Returns the descriptor of such a connection, or UV_EAGAIN. */
int rt_takeover_accept(rt_takeover *t);
/* The listener is where it accepts: rt_takeover_arrive was called. */
bool rt_takeover_has_arrived(const rt_takeover *t);
/* The listener accepts such connections, and no others. */
bool rt_takeover_is_spare(const rt_takeover *t);

#endif
