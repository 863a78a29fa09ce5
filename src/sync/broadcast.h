/* sync/broadcast.h - messages for everybody who listens, on any worker.
**
** A feed keeps the last messages, as many as its capacity; each of its readers knows how far
** it has come.  Nobody waits to send: a reader that is too slow loses the oldest, and is told
** how many.  Where only the last one counts (rt.watch), it is not told.
*/
#ifndef RT_FEED_H
#define RT_FEED_H

#include "event/waiter.h"

typedef struct rt_feed {
  rt_thing thing;
  /* fixed */
  size_t capacity;
  bool latest; /* only the last message counts */
  /* under lock */
  rt_lock lock;
  bool closed;
  uint64_t next;    /* the number of the next message */
  rt_packet **ring; /* message n is at n % capacity */
  int readers;
  rt_list awaited; /* readers for which somebody waits; there is nothing that they have not read */
} rt_feed;

typedef struct rt_reader {
  rt_thing thing;
  /* fixed */
  rt_feed *feed; /* held */
  /* under the feed's lock */
  bool closed;
  uint64_t at; /* the number of what it reads next */
  rt_list link;
  rt_list waiters; /* tickets */
} rt_reader;

typedef enum rt_feed_answer {
  RT_FEED_DONE,
  RT_FEED_CLOSED,
  RT_FEED_LAGS, /* it has lost some */
  RT_FEED_WAITS
} rt_feed_answer;

void rt_feed_free(rt_thing *t); /* of its kind */

rt_feed *rt_feed_new(const rt_thing_kind *kind, size_t capacity, bool latest); /* NULL: no memory */
static inline rt_feed *rt_feed_of(rt_thing *t) { return rt_containerof(t, rt_feed, thing); }

/* any thread: takes the packet over.  false: it is closed, and the packet the caller's still */
bool rt_feed_send(rt_feed *f, rt_packet *p);
/* The last message, as a new reference, or NULL. */
rt_packet *rt_feed_last(rt_feed *f);
/* No more are sent; what has not been read can still be. */
void rt_feed_close(rt_feed *f);
/* How many listen; *messages: how many are kept */
int rt_feed_look(rt_feed *f, uint64_t *messages, bool *closed);

void rt_reader_free(rt_thing *t); /* of its kind */

/* One that reads what is sent from here on.  NULL: no memory */
rt_reader *rt_reader_new(const rt_thing_kind *kind, rt_feed *f);
static inline rt_reader *rt_reader_of(rt_thing *t) { return rt_containerof(t, rt_reader, thing); }

/* any thread.  DONE: *p is the caller's; LAGS: *lost are gone.  A ticket that is called DONE has
** its packet; one that is called CLOSED has none. */
rt_feed_answer rt_reader_recv(rt_reader *r, rt_packet **p, uint64_t *lost, rt_ticket *t);
/* … for a select: true: the ticket is in the queue; false: another attempt is worth it. */
bool rt_reader_await(rt_reader *r, rt_ticket *t);
/* It listens no more; idempotent. */
void rt_reader_close(rt_reader *r);
/* How many it has not read, or has lost */
uint64_t rt_reader_behind(rt_reader *r, bool *closed);

#endif
