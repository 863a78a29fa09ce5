/* sync/broadcast.h - messages for all receivers, on any workers.
**
** A broadcast keeps the last messages, up to its capacity, in a ring. Each receiver has its own
** position in it, so a send copies nothing and never waits. A receiver that is too slow loses the
** oldest messages, and the next receive returns how many. rt.watch is the same with a capacity of 1
** ('latest'): only the last message counts, and losses are not reported. The version of its value
** is the number of messages that were sent.
*/
#ifndef RT_SYNC_BROADCAST_H
#define RT_SYNC_BROADCAST_H

#include "event/waiter.h"

typedef struct rt_broadcast {
  rt_shared shared;
  /* fixed */
  size_t capacity; /* at least 1 */
  bool latest;     /* only the last message counts: losing some is not reported */
  /* under the lock */
  rt_lock lock;
  bool closed;
  uint64_t next;     /* number of the next message; the first is 0 */
  rt_message **ring; /* message n is at n % capacity */
  int receivers;     /* that have not been closed */
  rt_list awaited;   /* the receivers that have waiters; each has received all messages */
  /* atomic, written under the lock */
  rt_atomic(size_t) links; /* messages in the ring that hold shared objects */
} rt_broadcast;

typedef struct rt_receiver {
  rt_shared shared;
  /* fixed */
  rt_broadcast *broadcast; /* held */
  /* under the lock of the broadcast */
  bool closed;
  uint64_t next; /* number of the message that it receives next */
  rt_list link;  /* in 'awaited' */
  rt_list waiters;
} rt_receiver;

/* What a broadcast and a receiver hold: for their kinds. */
extern const rt_shared_content rt_broadcast_content, rt_receiver_content;

/* The result of an operation; and the answer with which a waiter is called (DONE or CLOSED). */
typedef enum rt_broadcast_result {
  RT_BROADCAST_DONE,
  RT_BROADCAST_CLOSED,
  RT_BROADCAST_LAGGED, /* the receiver has lost messages; the next attempt begins after them */
  RT_BROADCAST_WAITS   /* the task would have to wait */
} rt_broadcast_result;

/* Any thread: the 'free' of a broadcast's kind. */
void rt_broadcast_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
rt_broadcast *rt_broadcast_new(const rt_shared_kind *kind, size_t capacity, bool latest);
static inline rt_broadcast *rt_broadcast_of(rt_shared *shared) {
  return rt_containerof(shared, rt_broadcast, shared);
}

/* Any thread. Takes over the message. False: it is closed; the message stays with the caller. */
bool rt_broadcast_send(rt_broadcast *b, rt_message *message);
/* Any thread. How many messages were sent: the number of the next one. */
uint64_t rt_broadcast_sent(rt_broadcast *b);
/* Any thread. The last message, with a reference; NULL: none was sent. */
rt_message *rt_broadcast_last(rt_broadcast *b);
/* Any thread. Sends fail from now on; a receiver can still receive the messages that are kept.
** Idempotent. */
void rt_broadcast_close(rt_broadcast *b);
/* Any thread, for display: how many receivers there are. *messages: how many messages are kept. */
int rt_broadcast_inspect(rt_broadcast *b, uint64_t *messages, bool *closed);

/* Any thread: the 'free' of a receiver's kind. */
void rt_receiver_free(rt_shared *shared);

/* Any thread. A receiver of the messages from the number 'next' on, or of what is sent from now on
** (RT_BROADCAST_NOW); it holds the broadcast. NULL: no memory. */
#define RT_BROADCAST_NOW UINT64_MAX
rt_receiver *rt_receiver_new(const rt_shared_kind *kind, rt_broadcast *b, uint64_t next);
static inline rt_receiver *rt_receiver_of(rt_shared *shared) {
  return rt_containerof(shared, rt_receiver, shared);
}

/* Any thread. DONE: *p is the message, with a reference; else *p is NULL. LAGGED: *lost is the
** number of messages that are lost. */
rt_broadcast_result rt_receiver_recv(rt_receiver *r, rt_message **p, uint64_t *lost);
/* The waiter's thread. True: the waiter is in the queue; when it is called with DONE, it has its
** message. False: nothing was done, and another attempt is worth it. */
bool rt_receiver_await(rt_receiver *r, rt_waiter *waiter);
/* Any thread. Calls the waiters with CLOSED. Idempotent. */
void rt_receiver_close(rt_receiver *r);
/* Any thread, for display: how many messages it has not received, including those that it has
** lost. */
uint64_t rt_receiver_unread(rt_receiver *r, bool *closed);

#endif
