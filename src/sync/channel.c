#include "sync/channel.h"

enum { SMALLEST = RT_SIZE(8, 1) };

/* --- the ring ----------------------------------------------------------------------------------- */
static bool grow(rt_chan *c) {
  size_t size = c->size ? c->size * 2 : SMALLEST;
  rt_packet **ring = rt_malloc(size * sizeof *ring);
  if (ring == NULL) return false;
  for (size_t i = 0; i < c->count; i++) ring[i] = c->ring[(c->head + i) & (c->size - 1)];
  rt_free(c->ring);
  c->ring = ring;
  c->size = size;
  c->head = 0;
  return true;
}

static bool push(rt_chan *c, rt_packet *p) {
  if (c->count == c->size && !grow(c)) return false;
  c->ring[(c->head + c->count++) & (c->size - 1)] = p;
  return true;
}

static rt_packet *pop(rt_chan *c) {
  rt_packet *p = c->ring[c->head];
  c->head = (c->head + 1) & (c->size - 1);
  c->count--;
  return p;
}

/* --- beginning and end ----------------------------------------------------------------------------- */
void rt_chan_free(rt_thing *t) {
  rt_chan *c = rt_chan_of(t);
  while (c->count > 0) rt_packet_drop(pop(c));
  rt_free(c->ring);
  rt_lock_close(&c->lock);
  rt_free(c);
}

rt_chan *rt_chan_new(const rt_thing_kind *kind, size_t capacity) {
  rt_chan *c = rt_calloc(sizeof *c);
  if (c == NULL) return NULL;
  if (rt_lock_init(&c->lock) != 0) {
    rt_free(c);
    return NULL;
  }
  rt_thing_init(&c->thing, kind);
  c->capacity = capacity;
  rt_list_init(&c->senders);
  rt_list_init(&c->receivers);
  return c;
}

/* --- passing on ---------------------------------------------------------------------------------------- */
static const rt_claim *claim_of(const rt_ticket *t) { return t ? t->claim : NULL; }

static rt_chan_answer send_locked(rt_chan *c, rt_packet *p, rt_ticket *t) {
  if (c->closed) return RT_CHAN_CLOSED;
  rt_ticket *receiver = rt_ticket_next(&c->receivers, claim_of(t));
  if (receiver) {
    receiver->packet = p;
    rt_ticket_call(receiver, RT_CHAN_DONE);
    return RT_CHAN_DONE;
  }
  if (c->count < c->capacity) return push(c, p) ? RT_CHAN_DONE : RT_CHAN_NOMEM;
  if (t) {
    t->packet = p;
    rt_ticket_queue(t, &c->senders, &c->lock);
  }
  return RT_CHAN_WAITS;
}

rt_chan_answer rt_chan_send(rt_chan *c, rt_packet *p, rt_ticket *t) {
  rt_lock_take(&c->lock);
  rt_chan_answer answer = send_locked(c, p, t);
  rt_lock_give(&c->lock);
  return answer;
}

static rt_packet *take_from_sender(rt_ticket *sender) {
  rt_packet *p = sender->packet;
  sender->packet = NULL;
  rt_ticket_call(sender, RT_CHAN_DONE);
  return p;
}

static rt_chan_answer recv_locked(rt_chan *c, rt_packet **p, rt_ticket *t) {
  bool buffered = c->count > 0;
  if (buffered) *p = pop(c);
  rt_ticket *sender = rt_ticket_next(&c->senders, claim_of(t));
  if (sender && buffered)
    push(c, take_from_sender(sender)); /* there is room: one has just left */
  else if (sender)
    *p = take_from_sender(sender);
  if (*p) return RT_CHAN_DONE;
  if (c->closed) return RT_CHAN_CLOSED;
  if (t) rt_ticket_queue(t, &c->receivers, &c->lock);
  return RT_CHAN_WAITS;
}

rt_chan_answer rt_chan_recv(rt_chan *c, rt_packet **p, rt_ticket *t) {
  *p = NULL;
  rt_lock_take(&c->lock);
  rt_chan_answer answer = recv_locked(c, p, t);
  rt_lock_give(&c->lock);
  return answer;
}

bool rt_chan_await_send(rt_chan *c, rt_ticket *t) {
  rt_lock_take(&c->lock);
  bool waits = !c->closed && c->count >= c->capacity && !rt_ticket_any(&c->receivers, t->claim);
  if (waits) rt_ticket_queue(t, &c->senders, &c->lock);
  rt_lock_give(&c->lock);
  return waits;
}

bool rt_chan_await_recv(rt_chan *c, rt_ticket *t) {
  rt_lock_take(&c->lock);
  bool waits = !c->closed && c->count == 0 && !rt_ticket_any(&c->senders, t->claim);
  if (waits) rt_ticket_queue(t, &c->receivers, &c->lock);
  rt_lock_give(&c->lock);
  return waits;
}

void rt_chan_close(rt_chan *c) {
  rt_lock_take(&c->lock);
  c->closed = true;
  rt_ticket_call_all(&c->senders, RT_CHAN_CLOSED);
  rt_ticket_call_all(&c->receivers, RT_CHAN_CLOSED);
  rt_lock_give(&c->lock);
}

bool rt_chan_has_room(rt_chan *c) {
  rt_lock_take(&c->lock);
  bool room = c->count < c->capacity || rt_ticket_any(&c->receivers, NULL);
  rt_lock_give(&c->lock);
  return room;
}

bool rt_chan_closed(rt_chan *c) {
  rt_lock_take(&c->lock);
  bool closed = c->closed;
  rt_lock_give(&c->lock);
  return closed;
}

size_t rt_chan_count(rt_chan *c) {
  rt_lock_take(&c->lock);
  size_t count = c->count;
  rt_lock_give(&c->lock);
  return count;
}
