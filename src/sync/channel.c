#include "sync/channel.h"

enum { SMALLEST = RT_SIZE(8, 1) };

/* --- the ring --------------------------------------------------------------------------------- */
static bool grow(rt_channel *c) {
  size_t size = c->size ? c->size * 2 : SMALLEST;
  rt_message **ring = rt_malloc(size * sizeof *ring);
  if (ring == NULL) return false;
  for (size_t i = 0; i < c->count; i++) ring[i] = c->ring[(c->head + i) & (c->size - 1)];
  rt_free(c->ring);
  c->ring = ring;
  c->size = size;
  c->head = 0;
  return true;
}

static bool push(rt_channel *c, rt_message *p) {
  if (c->count == c->size && !grow(c)) return false;
  c->ring[(c->head + c->count++) & (c->size - 1)] = p;
  return true;
}

static rt_message *pop(rt_channel *c) {
  rt_message *p = c->ring[c->head];
  c->head = (c->head + 1) & (c->size - 1);
  c->count--;
  return p;
}

/* --- beginning and end ------------------------------------------------------------------------ */
void rt_channel_free(rt_shared *t) {
  rt_channel *c = rt_channel_of(t);
  while (c->count > 0) rt_message_drop(pop(c));
  rt_free(c->ring);
  rt_shared_delete(t, &c->lock);
}

rt_channel *rt_channel_new(const rt_shared_kind *kind, size_t capacity) {
  rt_channel *c = rt_shared_new(sizeof *c, offsetof(rt_channel, lock), kind);
  if (c == NULL) return NULL;
  c->capacity = capacity;
  rt_list_init(&c->senders);
  rt_list_init(&c->receivers);
  return c;
}

/* --- passing on ------------------------------------------------------------------------------- */
static const rt_claim *claim_of(const rt_waiter *t) { return t ? t->claim : NULL; }

static rt_channel_result send_locked(rt_channel *c, rt_message *p, rt_waiter *t) {
  if (c->closed) return RT_CHANNEL_CLOSED;
  rt_waiter *receiver = rt_waiter_next(&c->receivers, claim_of(t));
  if (receiver) {
    receiver->message = p;
    rt_waiter_call(receiver, RT_CHANNEL_DONE);
    return RT_CHANNEL_DONE;
  }
  if (c->count < c->capacity) return push(c, p) ? RT_CHANNEL_DONE : RT_CHANNEL_NOMEM;
  if (t) {
    t->message = p;
    rt_waiter_enqueue(t, &c->senders, &c->lock);
  }
  return RT_CHANNEL_WAITS;
}

rt_channel_result rt_channel_send(rt_channel *c, rt_message *p, rt_waiter *t) {
  rt_lock_take(&c->lock);
  rt_channel_result answer = send_locked(c, p, t);
  rt_lock_give(&c->lock);
  return answer;
}

static rt_message *take_from_sender(rt_waiter *sender) {
  rt_message *p = sender->message;
  sender->message = NULL;
  rt_waiter_call(sender, RT_CHANNEL_DONE);
  return p;
}

static rt_channel_result recv_locked(rt_channel *c, rt_message **p, rt_waiter *t) {
  bool buffered = c->count > 0;
  if (buffered) *p = pop(c);
  rt_waiter *sender = rt_waiter_next(&c->senders, claim_of(t));
  if (sender && buffered)
    push(c, take_from_sender(sender)); /* there is room: one has just left */
  else if (sender)
    *p = take_from_sender(sender);
  if (*p) return RT_CHANNEL_DONE;
  if (c->closed) return RT_CHANNEL_CLOSED;
  if (t) rt_waiter_enqueue(t, &c->receivers, &c->lock);
  return RT_CHANNEL_WAITS;
}

rt_channel_result rt_channel_recv(rt_channel *c, rt_message **p, rt_waiter *t) {
  *p = NULL;
  rt_lock_take(&c->lock);
  rt_channel_result answer = recv_locked(c, p, t);
  rt_lock_give(&c->lock);
  return answer;
}

bool rt_channel_await_send(rt_channel *c, rt_waiter *t) {
  rt_lock_take(&c->lock);
  bool waits = !c->closed && c->count >= c->capacity && !rt_waiter_any(&c->receivers, t->claim);
  if (waits) rt_waiter_enqueue(t, &c->senders, &c->lock);
  rt_lock_give(&c->lock);
  return waits;
}

bool rt_channel_await_recv(rt_channel *c, rt_waiter *t) {
  rt_lock_take(&c->lock);
  bool waits = !c->closed && c->count == 0 && !rt_waiter_any(&c->senders, t->claim);
  if (waits) rt_waiter_enqueue(t, &c->receivers, &c->lock);
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

bool rt_channel_has_room(rt_channel *c) {
  rt_lock_take(&c->lock);
  bool room = c->count < c->capacity || rt_waiter_any(&c->receivers, NULL);
  rt_lock_give(&c->lock);
  return room;
}

bool rt_channel_closed(rt_channel *c) {
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
