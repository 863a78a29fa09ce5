/* sync/channel.h - a bounded queue of packets between tasks of any workers.
**
** Whoever comes second serves the first: a send finds a receiver waiting and hands it the
** packet, or finds room, or waits with the packet; a receive likewise.  All in the order in
** which they came, and all under one lock, so every packet is handed over exactly once.
*/
#ifndef RT_CHAN_H
#define RT_CHAN_H

#include "event/waiter.h"

typedef struct rt_chan {
  rt_thing thing;
  /* fixed */
  size_t capacity;
  /* under lock */
  rt_lock lock;
  bool closed;
  rt_packet **ring; /* what is buffered; its size is a power of two, or 0 */
  size_t size, head, count;
  rt_list senders, receivers; /* tickets; one of them is empty */
} rt_chan;

/* What became of an operation; of a ticket, what it is called with. */
typedef enum rt_chan_answer {
  RT_CHAN_DONE,
  RT_CHAN_CLOSED,
  RT_CHAN_WAITS, /* the ticket is in the queue; or, without one, it would have to wait */
  RT_CHAN_NOMEM
} rt_chan_answer;

void rt_chan_free(rt_thing *t); /* of its kind */

rt_chan *rt_chan_new(const rt_thing_kind *kind, size_t capacity); /* NULL: no memory */
static inline rt_chan *rt_chan_of(rt_thing *t) { return rt_containerof(t, rt_chan, thing); }

/* any thread; DONE or WAITS take the packet over (WAITS only with a ticket). */
rt_chan_answer rt_chan_send(rt_chan *c, rt_packet *p, rt_ticket *t);
/* any thread; DONE: *p is the caller's.  A ticket that is called DONE has its packet. */
rt_chan_answer rt_chan_recv(rt_chan *c, rt_packet **p, rt_ticket *t);

/* For a select.  True: the ticket is in the queue (that of a send brings its packet); false:
** the operation need not wait. */
bool rt_chan_await_send(rt_chan *c, rt_ticket *t);
bool rt_chan_await_recv(rt_chan *c, rt_ticket *t);

/* Sends fail from here on; what is buffered can still be received. */
void rt_chan_close(rt_chan *c);

bool rt_chan_has_room(rt_chan *c); /* or a receiver: a send need not wait */
bool rt_chan_closed(rt_chan *c);
size_t rt_chan_count(rt_chan *c);

#endif
