/* sync/broadcast.h - messages for everybody who listens, on any worker.
**
** A broadcast keeps the last messages, as many as its capacity; each of its readers knows how far
** it has come.  Nobody waits to send: a reader that is too slow loses the oldest, and is told
** how many.  Where only the last one counts (rt.watch), it is not told.
*/
#ifndef RT_SYNC_BROADCAST_H
#define RT_SYNC_BROADCAST_H

#include "event/waiter.h"

typedef struct rt_broadcast {
  rt_shared shared;
  /* fixed */
  size_t capacity;
  bool latest; /* only the last message counts */
  /* under lock */
  rt_lock lock;
  bool closed;
  uint64_t next;     /* the number of the next message */
  rt_message **ring; /* message n is at n % capacity */
  int receivers;
  rt_list awaited; /* readers for which somebody waits; there is nothing that they have not read */
} rt_broadcast;

typedef struct rt_receiver {
  rt_shared shared;
  /* fixed */
  rt_broadcast *broadcast; /* held */
  /* under the broadcast's lock */
  bool closed;
  uint64_t next; /* the number of what it reads next */
  rt_list link;
  rt_list waiters; /* waiters */
} rt_receiver;

typedef enum rt_broadcast_result {
  RT_BROADCAST_DONE,
  RT_BROADCAST_CLOSED,
  RT_BROADCAST_LAGGED, /* it has lost some */
  RT_BROADCAST_WAITS
} rt_broadcast_result;

void rt_broadcast_free(rt_shared *t); /* of its kind */

rt_broadcast *rt_broadcast_new(const rt_shared_kind *kind, size_t capacity,
                               bool latest); /* NULL: no memory */
static inline rt_broadcast *rt_broadcast_of(rt_shared *t) {
  return rt_containerof(t, rt_broadcast, shared);
}

/* any thread: takes the message over.  false: it is closed, and the message the caller's still */
bool rt_broadcast_send(rt_broadcast *f, rt_message *p);
/* The last message, as a new reference, or NULL. */
rt_message *rt_broadcast_last(rt_broadcast *f);
/* No more are sent; what has not been read can still be. */
void rt_broadcast_close(rt_broadcast *f);
/* How many listen; *messages: how many are kept */
int rt_broadcast_inspect(rt_broadcast *f, uint64_t *messages, bool *closed);

void rt_receiver_free(rt_shared *t); /* of its kind */

/* One that reads what is sent from here on.  NULL: no memory */
rt_receiver *rt_receiver_new(const rt_shared_kind *kind, rt_broadcast *f);
static inline rt_receiver *rt_receiver_of(rt_shared *t) {
  return rt_containerof(t, rt_receiver, shared);
}

/* any thread.  DONE: *p is the caller's; LAGS: *lost are gone.  A waiter that is called DONE has
** its message; one that is called CLOSED has none. */
rt_broadcast_result rt_receiver_recv(rt_receiver *r, rt_message **p, uint64_t *lost, rt_waiter *t);
/* … for a select: true: the waiter is in the queue; false: another attempt is worth it. */
bool rt_receiver_await(rt_receiver *r, rt_waiter *t);
/* It listens no more; idempotent. */
void rt_receiver_close(rt_receiver *r);
/* How many it has not read, or has lost */
uint64_t rt_receiver_unread(rt_receiver *r, bool *closed);

#endif
