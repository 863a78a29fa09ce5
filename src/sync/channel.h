/* sync/channel.h - a bounded queue of messages between tasks of any workers.
**
** The buffer has room for a number of messages, and may have a bound for their bytes (rt_message's
** 'len') as well. A message that is larger than that bound has room only in an empty buffer.
**
** A send hands its message to a receiver that waits, or puts it into the buffer, or waits with it;
** a receive does the reverse. Waiting tasks are served in the order in which they came, and
** everything happens under one lock, so each message is handed over exactly once. channel.c has the
** argument.
*/
#ifndef RT_SYNC_CHANNEL_H
#define RT_SYNC_CHANNEL_H

#include "event/waiter.h"

typedef struct rt_channel {
  rt_shared shared;
  /* fixed */
  size_t capacity;  /* messages that may be buffered; 0: each send waits for a receiver */
  size_t max_bytes; /* of the messages in the buffer; RT_CHANNEL_UNBOUNDED: any number */
  /* under the lock */
  rt_lock lock;
  bool closed;
  rt_message **ring;   /* the buffer; NULL: size is 0 */
  size_t size;         /* of the ring: a power of two that grows with use, or 0 */
  size_t head;         /* index of the oldest message */
  size_t count;        /* messages in the ring */
  size_t bytes;        /* of these messages */
  rt_list senders;     /* waiters, each with its message */
  rt_list receivers;   /* waiters */
  uint64_t lost_links; /* messages that held shared objects and were taken out of the ring */
  /* atomic, written under the lock */
  rt_atomic(size_t) links; /* messages in the ring that hold shared objects */
} rt_channel;

/* How a channel holds messages: for the kind of channels. */
extern const rt_shared_content rt_channel_content;

/* The result of an operation; and the answer with which a waiter is called (DONE or CLOSED). */
typedef enum rt_channel_result {
  RT_CHANNEL_DONE,
  RT_CHANNEL_CLOSED,
  RT_CHANNEL_WAITS, /* the operation would have to wait */
  RT_CHANNEL_NOMEM
} rt_channel_result;

/* Any thread: the 'free' of a channel's kind. */
void rt_channel_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
#define RT_CHANNEL_UNBOUNDED SIZE_MAX
rt_channel *rt_channel_new(const rt_shared_kind *kind, size_t capacity, size_t max_bytes);
static inline rt_channel *rt_channel_of(rt_shared *shared) {
  return rt_containerof(shared, rt_channel, shared);
}

/* Any thread. DONE: takes over the message; else it stays with the caller. */
rt_channel_result rt_channel_send(rt_channel *c, rt_message *message);
/* Any thread. DONE: *p is the message, with a reference; else *p is NULL. */
rt_channel_result rt_channel_recv(rt_channel *c, rt_message **p);

/* The waiter's thread. True: the operation has to wait, and the waiter is in the queue; a waiter
** that sends has its message already, and a waiter that receives has one when it is called with
** DONE. False: the operation can be done or the channel is closed, so another attempt is worth it;
** nothing was done. */
bool rt_channel_await_send(rt_channel *c, rt_waiter *waiter);
bool rt_channel_await_recv(rt_channel *c, rt_waiter *waiter);

/* Any thread. Sends fail from now on; buffered messages can still be received. Idempotent. */
void rt_channel_close(rt_channel *c);

/* Any thread. What a send of a small message would find (unless another thread is faster): DONE,
** WAITS or CLOSED. */
rt_channel_result rt_channel_check_send(rt_channel *c);
bool rt_channel_is_closed(rt_channel *c);
size_t rt_channel_count(rt_channel *c); /* buffered messages */
size_t rt_channel_bytes(rt_channel *c); /* their bytes */

#endif
