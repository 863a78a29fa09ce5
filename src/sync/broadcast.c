#include "sync/broadcast.h"

/* --- beginning and end ------------------------------------------------------------------------------ */
void rt_feed_free(rt_thing *t) {
  rt_feed *f = rt_feed_of(t);
  for (size_t i = 0; i < f->capacity; i++)
    if (f->ring[i]) rt_packet_drop(f->ring[i]);
  rt_free(f->ring);
  rt_lock_close(&f->lock);
  rt_free(f);
}

rt_feed *rt_feed_new(const rt_thing_kind *kind, size_t capacity, bool latest) {
  rt_feed *f = rt_calloc(sizeof *f);
  if (f == NULL) return NULL;
  if ((f->ring = rt_calloc(capacity * sizeof *f->ring)) == NULL) goto no_ring;
  if (rt_lock_init(&f->lock) != 0) goto no_lock;
  rt_thing_init(&f->thing, kind);
  f->capacity = capacity;
  f->latest = latest;
  rt_list_init(&f->awaited);
  return f;
no_lock:
  rt_free(f->ring);
no_ring:
  rt_free(f);
  return NULL;
}

void rt_reader_free(rt_thing *t) {
  rt_reader *r = rt_reader_of(t);
  rt_feed *f = r->feed;
  rt_reader_close(r);
  rt_free(r);
  rt_thing_drop(&f->thing);
}

rt_reader *rt_reader_new(const rt_thing_kind *kind, rt_feed *f) {
  rt_reader *r = rt_calloc(sizeof *r);
  if (r == NULL) return NULL;
  rt_thing_init(&r->thing, kind);
  rt_list_init(&r->link);
  rt_list_init(&r->waiters);
  rt_thing_hold(&f->thing);
  r->feed = f;
  rt_lock_take(&f->lock);
  f->readers++;
  r->at = f->next;
  rt_lock_give(&f->lock);
  return r;
}

/* --- sending ------------------------------------------------------------------------------------------ */
/* To whoever has waited longest for this reader. */
static void hand_locked(rt_reader *r, rt_packet *p) {
  rt_ticket *t = rt_ticket_next(&r->waiters, NULL);
  if (t) {
    t->packet = rt_packet_hold(p);
    r->at = r->feed->next;
    rt_ticket_call(t, RT_FEED_DONE);
  }
  if (t == NULL || rt_list_empty(&r->waiters)) rt_list_remove(&r->link);
}

static rt_packet *put_locked(rt_feed *f, rt_packet *p) {
  rt_packet **place = &f->ring[f->next++ % f->capacity], *oldest = *place;
  *place = p;
  rt_list *next;
  for (rt_list *l = f->awaited.next; l != &f->awaited; l = next) {
    next = l->next;
    hand_locked(rt_containerof(l, rt_reader, link), p);
  }
  return oldest;
}

bool rt_feed_send(rt_feed *f, rt_packet *p) {
  rt_packet *oldest = NULL;
  rt_lock_take(&f->lock);
  bool open = !f->closed;
  if (open) oldest = put_locked(f, p);
  rt_lock_give(&f->lock);
  if (oldest) rt_packet_drop(oldest); /* not under the lock: there may be a reader in it */
  return open;
}

rt_packet *rt_feed_last(rt_feed *f) {
  rt_lock_take(&f->lock);
  rt_packet *p = f->next > 0 ? rt_packet_hold(f->ring[(f->next - 1) % f->capacity]) : NULL;
  rt_lock_give(&f->lock);
  return p;
}

void rt_feed_close(rt_feed *f) {
  rt_list *l;
  rt_lock_take(&f->lock);
  f->closed = true;
  while ((l = rt_list_take(&f->awaited)) != NULL)
    rt_ticket_call_all(&rt_containerof(l, rt_reader, link)->waiters, RT_FEED_CLOSED);
  rt_lock_give(&f->lock);
}

int rt_feed_look(rt_feed *f, uint64_t *messages, bool *closed) {
  rt_lock_take(&f->lock);
  int readers = f->readers;
  *messages = f->next < f->capacity ? f->next : f->capacity;
  *closed = f->closed;
  rt_lock_give(&f->lock);
  return readers;
}

/* --- reading ------------------------------------------------------------------------------------------- */
static void queue_locked(rt_reader *r, rt_ticket *t) {
  if (rt_list_empty(&r->link)) rt_list_append(&r->feed->awaited, &r->link);
  rt_ticket_queue(t, &r->waiters, &r->feed->lock);
}

static rt_feed_answer recv_locked(rt_reader *r, rt_packet **p, uint64_t *lost, rt_ticket *t) {
  rt_feed *f = r->feed;
  uint64_t oldest = f->next > f->capacity ? f->next - f->capacity : 0;
  if (r->closed) return RT_FEED_CLOSED;
  if (r->at < oldest) {
    *lost = oldest - r->at;
    r->at = oldest;
    if (!f->latest) return RT_FEED_LAGS;
  }
  if (r->at < f->next) {
    *p = rt_packet_hold(f->ring[r->at++ % f->capacity]);
    return RT_FEED_DONE;
  }
  if (f->closed) return RT_FEED_CLOSED;
  if (t) queue_locked(r, t);
  return RT_FEED_WAITS;
}

rt_feed_answer rt_reader_recv(rt_reader *r, rt_packet **p, uint64_t *lost, rt_ticket *t) {
  *p = NULL;
  rt_lock_take(&r->feed->lock);
  rt_feed_answer answer = recv_locked(r, p, lost, t);
  rt_lock_give(&r->feed->lock);
  return answer;
}

bool rt_reader_await(rt_reader *r, rt_ticket *t) {
  rt_feed *f = r->feed;
  rt_lock_take(&f->lock);
  bool waits = !r->closed && !f->closed && r->at == f->next;
  if (waits) queue_locked(r, t);
  rt_lock_give(&f->lock);
  return waits;
}

void rt_reader_close(rt_reader *r) {
  rt_feed *f = r->feed;
  rt_lock_take(&f->lock);
  if (!r->closed) f->readers--;
  r->closed = true;
  rt_list_remove(&r->link);
  rt_ticket_call_all(&r->waiters, RT_FEED_CLOSED);
  rt_lock_give(&f->lock);
}

uint64_t rt_reader_behind(rt_reader *r, bool *closed) {
  rt_lock_take(&r->feed->lock);
  uint64_t behind = r->feed->next - r->at;
  *closed = r->closed;
  rt_lock_give(&r->feed->lock);
  return behind;
}
