/* Rendezvous. A waiter "can be served" unless it belongs to a select that another waiter has
** decided. At each moment when the lock is free:
** - If a sender can be served, the buffer has no room for the message of the first one, and no
**   receiver can be served.
** - If a receiver can be served, the buffer is empty, and no sender can be served.
** (Two waiters of the same select, a sender and a receiver, are the exception: they must not serve
** each other.) Every operation keeps this: a send serves the first receiver before it uses the
** buffer, and a receive that makes room in the buffer moves the messages of the first senders into
** it. So no task waits for an operation that could be done. A waiter is called after its message
** was handed over, so its task does not have to try again. A task that gives up withdraws its
** waiter under the same lock (event/waiter.h): either the message stays where it was, or it has
** been handed over and counts.
**
** Trying and waiting. An operation is tried first (send, recv). If it would have to wait, its
** waiter is queued (await_send, await_recv), and the task parks. The channel may change in between,
** so the await functions check again and queue the waiter in one critical section. If the operation
** can be done now, they return false and do nothing, for the sake of selects: a select queues
** several waiters, one of which might be called at the same time, and then two operations would
** have been done. It withdraws all of its waiters instead, and tries everything again. If all await
** functions return true, the select may park: an operation that becomes possible later finds its
** waiter in the queue. An attempt that serves a waiter of another select takes that select's claim,
** which only one thread can.
**
** A bound in bytes. Messages differ in size, so there may be room for a later message and none for
** that of the first sender. The later one waits all the same: no sender overtakes another
** (has_bytes_locked). Several senders may go on when one large message has been received, and also
** when a sender with a large message gives up (channel_on_withdraw). With a bound for the number of
** messages alone, a sender that waits means that there is room for none, so these channels need
** neither.
**
** spec/model/channel.c and spec/model/select.c check this.
*/
#include "sync/channel.h"

#include "base/cycle.h"

enum { RING_MIN = RT_SIZE(8, 1) };

/* --- the ring --------------------------------------------------------------------------------- */
static bool ring_grow(rt_channel *c) {
  size_t size = c->size ? c->size * 2 : RING_MIN;
  rt_message **ring = rt_malloc(size * sizeof *ring);
  if (ring == NULL) return false;
  for (size_t i = 0; i < c->count; i++) ring[i] = c->ring[(c->head + i) & (c->size - 1)];
  rt_free(c->ring);
  c->ring = ring;
  c->size = size;
  c->head = 0;
  return true;
}

/* (Relaxed: channel_has_links reads it without the lock. rt_shared_note_link follows, which is a
** release; base/cycle.c says why that is enough.) */
static void gain_link(rt_channel *c) {
  rt_store_relaxed(&c->links, rt_load_relaxed(&c->links) + 1);
  rt_shared_note_link(&c->shared);
}

/* (Relaxed: see gain_link.) */
static void lose_link(rt_channel *c) {
  c->lost_links++;
  rt_store_relaxed(&c->links, rt_load_relaxed(&c->links) - 1);
}

static bool ring_push(rt_channel *c, rt_message *message) {
  if (c->count == c->size && !ring_grow(c)) return false;
  c->ring[(c->head + c->count++) & (c->size - 1)] = message;
  c->bytes += message->len;
  if (rt_unlikely(message->count > 0)) gain_link(c);
  return true;
}

static rt_message *ring_pop(rt_channel *c) {
  rt_message *message = c->ring[c->head];
  c->head = (c->head + 1) & (c->size - 1);
  c->count--;
  c->bytes -= message->len;
  if (rt_unlikely(message->count > 0)) lose_link(c);
  return message;
}

/* --- life of a channel ------------------------------------------------------------------------ */
void rt_channel_free(rt_shared *shared) {
  rt_channel *c = rt_channel_of(shared);
  while (c->count > 0) rt_message_drop(ring_pop(c));
  rt_free(c->ring);
  rt_shared_delete(shared, &c->lock);
}

rt_channel *rt_channel_new(const rt_shared_kind *kind, size_t capacity, size_t max_bytes) {
  rt_channel *c = rt_shared_new(sizeof *c, offsetof(rt_channel, lock), kind);
  if (c == NULL) return NULL;
  c->capacity = capacity;
  c->max_bytes = max_bytes;
  rt_list_init(&c->senders);
  rt_list_init(&c->receivers);
  return c;
}

/* --- what it holds (base/cycle.h) ------------------------------------------------------------- */
/* (Relaxed: see gain_link.) */
static bool channel_has_links(rt_shared *shared) {
  return rt_load_relaxed(&rt_channel_of(shared)->links) > 0;
}

/* (Messages of senders that wait are not visited: their tasks refer to the channel.) */
static uint64_t channel_visit(rt_shared *shared, rt_cycle_visitor *v) {
  rt_channel *c = rt_channel_of(shared);
  rt_lock_take(&c->lock);
  size_t i = 0;
  while (i < c->count && rt_cycle_visit_message(v, c->ring[(c->head + i) & (c->size - 1)])) i++;
  uint64_t changes = c->lost_links;
  rt_lock_give(&c->lock);
  return changes;
}

static void channel_empty(rt_shared *shared) {
  rt_channel *c = rt_channel_of(shared);
  while (c->count > 0) rt_message_drop(ring_pop(c));
}

const rt_shared_content rt_channel_content = {rt_cycle_drop, channel_has_links, channel_visit,
                                              channel_empty};

/* --- room in the buffer ----------------------------------------------------------------------- */
static bool is_bounded(const rt_channel *c) {
  return rt_unlikely(c->max_bytes != RT_CHANNEL_UNBOUNDED);
}

static bool has_bytes(const rt_channel *c, size_t len) {
  return c->count == 0 || c->bytes + len <= c->max_bytes;
}

static bool has_bytes_locked(const rt_channel *c, size_t len, const rt_claim *except) {
  return has_bytes(c, len) && !rt_waiter_has_callable(&c->senders, except);
}

/* Is there room for a message of so many bytes, behind the senders that wait? Waiters of 'except'
** do not count. */
static bool has_room_locked(const rt_channel *c, size_t len, const rt_claim *except) {
  return c->count < c->capacity && (!is_bounded(c) || has_bytes_locked(c, len, except));
}

/* --- sending and receiving -------------------------------------------------------------------- */
/* As rt_waiter_next, without a call if the queue is empty. */
static rt_waiter *next_of(rt_list *queue) {
  return rt_list_is_empty(queue) ? NULL : rt_waiter_next(queue);
}

static rt_channel_result channel_send_locked(rt_channel *c, rt_message *message) {
  if (c->closed) return RT_CHANNEL_CLOSED;
  rt_waiter *receiver = next_of(&c->receivers);
  if (receiver) {
    receiver->message = message;
    rt_waiter_call(receiver, RT_CHANNEL_DONE);
    return RT_CHANNEL_DONE;
  }
  if (!has_room_locked(c, message->len, NULL)) return RT_CHANNEL_WAITS;
  return ring_push(c, message) ? RT_CHANNEL_DONE : RT_CHANNEL_NOMEM;
}

rt_channel_result rt_channel_send(rt_channel *c, rt_message *message) {
  rt_lock_take(&c->lock);
  rt_channel_result result = channel_send_locked(c, message);
  rt_lock_give(&c->lock);
  return result;
}

static rt_message *take_from_sender(rt_waiter *sender) {
  rt_message *message = sender->message;
  sender->message = NULL;
  rt_waiter_call(sender, RT_CHANNEL_DONE);
  return message;
}

/* The sender whose message can be moved into the buffer next; NULL: none. If there is no room for
** that of the first sender, and that belongs to a select, the waiters of the same select right
** behind it may be served: a select that sends a large and a small message is not in its own
** way. */
static rt_waiter *next_sender_locked(rt_channel *c) {
  rt_waiter *head = rt_waiter_first(&c->senders);
  if (head == NULL || c->count >= c->capacity) return NULL;
  if (!is_bounded(c) || has_bytes(c, head->message->len)) return head;
  for (rt_list *l = head->link.next; head->claim != NULL && l != &c->senders; l = l->next) {
    rt_waiter *sender = rt_containerof(l, rt_waiter, link);
    if (sender->claim != head->claim) break;
    if (has_bytes(c, sender->message->len)) return sender;
  }
  return NULL;
}

/* Moves the messages of senders into the buffer, as far as there is room. Without memory for a
** larger ring they stay where they are, until a receive has made a place. */
static void serve_senders_locked(rt_channel *c) {
  rt_waiter *sender;
  while ((sender = next_sender_locked(c)) != NULL) {
    if (c->count == c->size && !ring_grow(c)) break;
    if (rt_waiter_claim(sender)) ring_push(c, take_from_sender(sender));
  }
}

/* A sender was withdrawn, from a channel with a bound in bytes. */
static void channel_on_withdraw(rt_waiter *waiter) {
  serve_senders_locked(rt_containerof(waiter->lock, rt_channel, lock));
}

static rt_channel_result channel_recv_locked(rt_channel *c, rt_message **p) {
  if (c->count > 0) {
    *p = ring_pop(c);
    if (!rt_list_is_empty(&c->senders)) serve_senders_locked(c);
    return RT_CHANNEL_DONE;
  }
  rt_waiter *sender = next_of(&c->senders);
  if (sender == NULL) return c->closed ? RT_CHANNEL_CLOSED : RT_CHANNEL_WAITS;
  *p = take_from_sender(sender);
  return RT_CHANNEL_DONE;
}

rt_channel_result rt_channel_recv(rt_channel *c, rt_message **p) {
  *p = NULL;
  rt_lock_take(&c->lock);
  rt_channel_result result = channel_recv_locked(c, p);
  rt_lock_give(&c->lock);
  return result;
}

bool rt_channel_await_send(rt_channel *c, rt_waiter *waiter) {
  rt_lock_take(&c->lock);
  bool waits = !c->closed && !has_room_locked(c, waiter->message->len, waiter->claim) &&
               !rt_waiter_has_callable(&c->receivers, waiter->claim);
  if (waits && is_bounded(c)) waiter->on_withdraw = channel_on_withdraw;
  if (waits) rt_waiter_enqueue(waiter, &c->senders, &c->lock);
  rt_lock_give(&c->lock);
  return waits;
}

bool rt_channel_await_recv(rt_channel *c, rt_waiter *waiter) {
  rt_lock_take(&c->lock);
  bool waits = !c->closed && c->count == 0 && !rt_waiter_has_callable(&c->senders, waiter->claim);
  if (waits) rt_waiter_enqueue(waiter, &c->receivers, &c->lock);
  rt_lock_give(&c->lock);
  return waits;
}

void rt_channel_close(rt_channel *c) {
  rt_lock_take(&c->lock);
  c->closed = true;
  rt_waiter_call_all(&c->senders, RT_CHANNEL_CLOSED);
  rt_waiter_call_all(&c->receivers, RT_CHANNEL_CLOSED);
  rt_lock_give(&c->lock);
}

rt_channel_result rt_channel_check_send(rt_channel *c) {
  rt_lock_take(&c->lock);
  bool room = has_room_locked(c, 1, NULL) || rt_waiter_has_callable(&c->receivers, NULL);
  rt_channel_result answer = c->closed ? RT_CHANNEL_CLOSED
                             : room    ? RT_CHANNEL_DONE
                                       : RT_CHANNEL_WAITS;
  rt_lock_give(&c->lock);
  return answer;
}

bool rt_channel_is_closed(rt_channel *c) {
  rt_lock_take(&c->lock);
  bool closed = c->closed;
  rt_lock_give(&c->lock);
  return closed;
}

size_t rt_channel_count(rt_channel *c) {
  rt_lock_take(&c->lock);
  size_t count = c->count;
  rt_lock_give(&c->lock);
  return count;
}

size_t rt_channel_bytes(rt_channel *c) {
  rt_lock_take(&c->lock);
  size_t bytes = c->bytes;
  rt_lock_give(&c->lock);
  return bytes;
}
