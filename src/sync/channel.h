/* sync/channel.h - a bounded queue of messages between tasks of any workers.
**
** Whoever comes second serves the first: a send finds a receiver waiting and hands it the
** message, or finds room, or waits with the message; a receive likewise.  All in the order in
** which they came, and all under one lock, so every message is handed over exactly once.
*/
#ifndef RT_SYNC_CHANNEL_H
#define RT_SYNC_CHANNEL_H

#include "event/waiter.h"

typedef struct rt_channel {
  rt_shared shared;
  /* fixed */
  size_t capacity;
  /* under lock */
  rt_lock lock;
  bool closed;
  rt_message **ring; /* what is buffered; its size is a power of two, or 0 */
  size_t size, head, count;
  rt_list senders, receivers; /* waiters; one of them is empty */
} rt_channel;

/* What became of an operation; of a waiter, what it is called with. */
typedef enum rt_channel_result {
  RT_CHANNEL_DONE,
  RT_CHANNEL_CLOSED,
  RT_CHANNEL_WAITS, /* the waiter is in the queue; or, without one, it would have to wait */
  RT_CHANNEL_NOMEM
} rt_channel_result;

void rt_channel_free(rt_shared *t); /* of its kind */

rt_channel *rt_channel_new(const rt_shared_kind *kind, size_t capacity); /* NULL: no memory */
static inline rt_channel *rt_channel_of(rt_shared *t) {
  return rt_containerof(t, rt_channel, shared);
}

/* any thread; DONE or WAITS take the message over (WAITS only with a waiter). */
rt_channel_result rt_channel_send(rt_channel *c, rt_message *p, rt_waiter *t);
/* any thread; DONE: *p is the caller's.  A waiter that is called DONE has its message. */
rt_channel_result rt_channel_recv(rt_channel *c, rt_message **p, rt_waiter *t);

/* For a select.  True: the waiter is in the queue (that of a send brings its message); false:
** the operation need not wait. */
bool rt_channel_await_send(rt_channel *c, rt_waiter *t);
bool rt_channel_await_recv(rt_channel *c, rt_waiter *t);

/* Sends fail from here on; what is buffered can still be received. */
void rt_channel_close(rt_channel *c);

bool rt_channel_has_room(rt_channel *c); /* or a receiver: a send need not wait */
bool rt_channel_closed(rt_channel *c);
size_t rt_channel_count(rt_channel *c);

#endif
