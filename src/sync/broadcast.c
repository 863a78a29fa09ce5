/* A receiver is in the list 'awaited' exactly while it has waiters, and then it has received all
** messages. So a send goes through this list and not through all receivers: it gives the message to
** the first waiter of each and sets the receiver's position behind it. The other waiters of the
** same receiver wait for the next message. spec/model/broadcast.c checks that a receiver gets all
** messages in order, but for those that are reported as lost.
*/
#include "sync/broadcast.h"

#include "base/cycle.h"

/* --- life of a broadcast and of a receiver ---------------------------------------------------- */
void rt_broadcast_free(rt_shared *shared) {
  rt_broadcast *b = rt_broadcast_of(shared);
  for (size_t i = 0; i < b->capacity; i++)
    if (b->ring[i]) rt_message_drop(b->ring[i]);
  rt_free(b->ring);
  rt_shared_delete(shared, &b->lock);
}

rt_broadcast *rt_broadcast_new(const rt_shared_kind *kind, size_t capacity, bool latest) {
  rt_broadcast *b = rt_shared_new(sizeof *b, offsetof(rt_broadcast, lock), kind);
  if (b == NULL) return NULL;
  if ((b->ring = rt_calloc(capacity * sizeof *b->ring)) == NULL) {
    rt_shared_delete(&b->shared, &b->lock);
    return NULL;
  }
  b->capacity = capacity;
  b->latest = latest;
  rt_list_init(&b->awaited);
  return b;
}

void rt_receiver_free(rt_shared *shared) {
  rt_receiver *r = rt_receiver_of(shared);
  rt_broadcast *b = r->broadcast;
  rt_receiver_close(r);
  rt_free(r);
  rt_shared_drop_and_look(&b->shared, RT_SHARED_REF);
}

rt_receiver *rt_receiver_new(const rt_shared_kind *kind, rt_broadcast *b, uint64_t next) {
  rt_receiver *r = rt_calloc(sizeof *r);
  if (r == NULL) return NULL;
  rt_shared_init(&r->shared, kind);
  rt_list_init(&r->link);
  rt_list_init(&r->waiters);
  rt_shared_hold(&b->shared);
  r->broadcast = b;
  rt_lock_take(&b->lock);
  b->receivers++;
  r->next = next < b->next ? next : b->next;
  rt_lock_give(&b->lock);
  return r;
}

/* --- what they hold (base/cycle.h) ------------------------------------------------------------ */
/* (Relaxed: broadcast_has_links reads it without the lock. rt_shared_note_link follows, which is a
** release; base/cycle.c says why that is enough.) */
static void change_links(rt_broadcast *b, bool gets, bool loses) {
  rt_store_relaxed(&b->links, rt_load_relaxed(&b->links) + gets - loses);
  if (gets) rt_shared_note_link(&b->shared);
}

/* (Relaxed: see change_links.) */
static bool broadcast_has_links(rt_shared *shared) {
  return rt_load_relaxed(&rt_broadcast_of(shared)->links) > 0;
}

static uint64_t broadcast_visit(rt_shared *shared, rt_cycle_visitor *v) {
  rt_broadcast *b = rt_broadcast_of(shared);
  rt_lock_take(&b->lock);
  size_t kept = b->next < b->capacity ? (size_t)b->next : b->capacity, i = 0;
  while (i < kept && rt_cycle_visit_message(v, b->ring[i])) i++;
  uint64_t changes = b->next;
  rt_lock_give(&b->lock);
  return changes;
}

static void broadcast_empty(rt_shared *shared) {
  rt_broadcast *b = rt_broadcast_of(shared);
  for (size_t i = 0; i < b->capacity; i++) {
    if (b->ring[i]) rt_message_drop(b->ring[i]);
    b->ring[i] = NULL;
  }
}

const rt_shared_content rt_broadcast_content = {rt_cycle_drop, broadcast_has_links, broadcast_visit,
                                                broadcast_empty};

/* A message that is put into the broadcast does not change the receiver. */
static bool receiver_has_links(rt_shared *shared) {
  (void)shared;
  return true;
}

static uint64_t receiver_visit(rt_shared *shared, rt_cycle_visitor *v) {
  rt_shared *broadcast = &rt_receiver_of(shared)->broadcast->shared;
  if (broadcast_has_links(broadcast)) rt_cycle_visit_object(v, broadcast);
  return 0; /* it always holds the same */
}

/* It drops the broadcast when it is freed. */
static void receiver_empty(rt_shared *shared) { (void)shared; }

const rt_shared_content rt_receiver_content = {rt_cycle_drop, receiver_has_links, receiver_visit,
                                               receiver_empty};

/* --- sending ---------------------------------------------------------------------------------- */
/* Gives the message to the task that has waited longest at this receiver. */
static void hand_message_locked(rt_receiver *r, rt_message *message) {
  rt_waiter *waiter = rt_waiter_next(&r->waiters);
  if (waiter) {
    waiter->message = rt_message_hold(message);
    r->next = r->broadcast->next;
    rt_waiter_call(waiter, RT_BROADCAST_DONE);
  }
  if (waiter == NULL || rt_list_is_empty(&r->waiters)) rt_list_remove(&r->link);
}

static rt_message *put_locked(rt_broadcast *b, rt_message *message) {
  rt_message **place = &b->ring[b->next++ % b->capacity], *oldest = *place;
  *place = message;
  bool gets = message->count > 0, loses = oldest != NULL && oldest->count > 0;
  if (rt_unlikely(gets || loses)) change_links(b, gets, loses);
  rt_list *next;
  for (rt_list *l = b->awaited.next; l != &b->awaited; l = next) {
    next = l->next;
    hand_message_locked(rt_containerof(l, rt_receiver, link), message);
  }
  return oldest;
}

bool rt_broadcast_send(rt_broadcast *b, rt_message *message) {
  rt_message *oldest = NULL;
  rt_lock_take(&b->lock);
  bool open = !b->closed;
  if (open) oldest = put_locked(b, message);
  rt_lock_give(&b->lock);
  if (oldest) rt_message_drop(oldest); /* not under the lock: a receiver in it may be freed */
  return open;
}

uint64_t rt_broadcast_sent(rt_broadcast *b) {
  rt_lock_take(&b->lock);
  uint64_t sent = b->next;
  rt_lock_give(&b->lock);
  return sent;
}

rt_message *rt_broadcast_last(rt_broadcast *b) {
  rt_lock_take(&b->lock);
  rt_message *message = b->next > 0 ? rt_message_hold(b->ring[(b->next - 1) % b->capacity]) : NULL;
  rt_lock_give(&b->lock);
  return message;
}

void rt_broadcast_close(rt_broadcast *b) {
  rt_list *l;
  rt_lock_take(&b->lock);
  b->closed = true;
  while ((l = rt_list_take(&b->awaited)) != NULL)
    rt_waiter_call_all(&rt_containerof(l, rt_receiver, link)->waiters, RT_BROADCAST_CLOSED);
  rt_lock_give(&b->lock);
}

int rt_broadcast_inspect(rt_broadcast *b, uint64_t *messages, bool *closed) {
  rt_lock_take(&b->lock);
  int receivers = b->receivers;
  *messages = b->next < b->capacity ? b->next : b->capacity;
  *closed = b->closed;
  rt_lock_give(&b->lock);
  return receivers;
}

/* --- receiving -------------------------------------------------------------------------------- */
static rt_broadcast_result receiver_recv_locked(rt_receiver *r, rt_message **p, uint64_t *lost) {
  rt_broadcast *b = r->broadcast;
  uint64_t oldest = b->next > b->capacity ? b->next - b->capacity : 0;
  if (r->closed) return RT_BROADCAST_CLOSED;
  if (r->next < oldest) {
    *lost = oldest - r->next;
    r->next = oldest;
    if (!b->latest) return RT_BROADCAST_LAGGED;
  }
  if (r->next < b->next) {
    *p = rt_message_hold(b->ring[r->next++ % b->capacity]);
    return RT_BROADCAST_DONE;
  }
  return b->closed ? RT_BROADCAST_CLOSED : RT_BROADCAST_WAITS;
}

rt_broadcast_result rt_receiver_recv(rt_receiver *r, rt_message **p, uint64_t *lost) {
  *p = NULL;
  rt_lock_take(&r->broadcast->lock);
  rt_broadcast_result result = receiver_recv_locked(r, p, lost);
  rt_lock_give(&r->broadcast->lock);
  return result;
}

bool rt_receiver_await(rt_receiver *r, rt_waiter *waiter) {
  rt_broadcast *b = r->broadcast;
  rt_lock_take(&b->lock);
  bool waits = !r->closed && !b->closed && r->next == b->next;
  if (waits) {
    if (rt_list_is_empty(&r->link)) rt_list_append(&b->awaited, &r->link);
    rt_waiter_enqueue(waiter, &r->waiters, &b->lock);
  }
  rt_lock_give(&b->lock);
  return waits;
}

void rt_receiver_close(rt_receiver *r) {
  rt_broadcast *b = r->broadcast;
  rt_lock_take(&b->lock);
  if (!r->closed) b->receivers--;
  r->closed = true;
  rt_list_remove(&r->link);
  rt_waiter_call_all(&r->waiters, RT_BROADCAST_CLOSED);
  rt_lock_give(&b->lock);
}

uint64_t rt_receiver_unread(rt_receiver *r, bool *closed) {
  rt_lock_take(&r->broadcast->lock);
  uint64_t unread = r->broadcast->next - r->next;
  *closed = r->closed;
  rt_lock_give(&r->broadcast->lock);
  return unread;
}
