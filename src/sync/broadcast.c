#include "sync/broadcast.h"

/* --- beginning and end ------------------------------------------------------------------------ */
void rt_broadcast_free(rt_shared *t) {
  rt_broadcast *f = rt_broadcast_of(t);
  for (size_t i = 0; i < f->capacity; i++)
    if (f->ring[i]) rt_message_drop(f->ring[i]);
  rt_free(f->ring);
  rt_shared_delete(t, &f->lock);
}

rt_broadcast *rt_broadcast_new(const rt_shared_kind *kind, size_t capacity, bool latest) {
  rt_broadcast *f = rt_shared_new(sizeof *f, offsetof(rt_broadcast, lock), kind);
  if (f == NULL) return NULL;
  if ((f->ring = rt_calloc(capacity * sizeof *f->ring)) == NULL) {
    rt_shared_delete(&f->shared, &f->lock);
    return NULL;
  }
  f->capacity = capacity;
  f->latest = latest;
  rt_list_init(&f->awaited);
  return f;
}

void rt_receiver_free(rt_shared *t) {
  rt_receiver *r = rt_receiver_of(t);
  rt_broadcast *f = r->broadcast;
  rt_receiver_close(r);
  rt_free(r);
  rt_shared_drop(&f->shared);
}

rt_receiver *rt_receiver_new(const rt_shared_kind *kind, rt_broadcast *f) {
  rt_receiver *r = rt_calloc(sizeof *r);
  if (r == NULL) return NULL;
  rt_shared_init(&r->shared, kind);
  rt_list_init(&r->link);
  rt_list_init(&r->waiters);
  rt_shared_hold(&f->shared);
  r->broadcast = f;
  rt_lock_take(&f->lock);
  f->receivers++;
  r->next = f->next;
  rt_lock_give(&f->lock);
  return r;
}

/* --- sending ---------------------------------------------------------------------------------- */
/* To whoever has waited longest for this reader. */
static void hand_locked(rt_receiver *r, rt_message *p) {
  rt_waiter *t = rt_waiter_next(&r->waiters, NULL);
  if (t) {
    t->message = rt_message_hold(p);
    r->next = r->broadcast->next;
    rt_waiter_call(t, RT_BROADCAST_DONE);
  }
  if (t == NULL || rt_list_empty(&r->waiters)) rt_list_remove(&r->link);
}

static rt_message *put_locked(rt_broadcast *f, rt_message *p) {
  rt_message **place = &f->ring[f->next++ % f->capacity], *oldest = *place;
  *place = p;
  rt_list *next;
  for (rt_list *l = f->awaited.next; l != &f->awaited; l = next) {
    next = l->next;
    hand_locked(rt_containerof(l, rt_receiver, link), p);
  }
  return oldest;
}

bool rt_broadcast_send(rt_broadcast *f, rt_message *p) {
  rt_message *oldest = NULL;
  rt_lock_take(&f->lock);
  bool open = !f->closed;
  if (open) oldest = put_locked(f, p);
  rt_lock_give(&f->lock);
  if (oldest) rt_message_drop(oldest); /* not under the lock: there may be a reader in it */
  return open;
}

rt_message *rt_broadcast_last(rt_broadcast *f) {
  rt_lock_take(&f->lock);
  rt_message *p = f->next > 0 ? rt_message_hold(f->ring[(f->next - 1) % f->capacity]) : NULL;
  rt_lock_give(&f->lock);
  return p;
}

void rt_broadcast_close(rt_broadcast *f) {
  rt_list *l;
  rt_lock_take(&f->lock);
  f->closed = true;
  while ((l = rt_list_take(&f->awaited)) != NULL)
    rt_waiter_call_all(&rt_containerof(l, rt_receiver, link)->waiters, RT_BROADCAST_CLOSED);
  rt_lock_give(&f->lock);
}

int rt_broadcast_inspect(rt_broadcast *f, uint64_t *messages, bool *closed) {
  rt_lock_take(&f->lock);
  int readers = f->receivers;
  *messages = f->next < f->capacity ? f->next : f->capacity;
  *closed = f->closed;
  rt_lock_give(&f->lock);
  return readers;
}

/* --- reading ---------------------------------------------------------------------------------- */
static void queue_locked(rt_receiver *r, rt_waiter *t) {
  if (rt_list_empty(&r->link)) rt_list_append(&r->broadcast->awaited, &r->link);
  rt_waiter_enqueue(t, &r->waiters, &r->broadcast->lock);
}

static rt_broadcast_result recv_locked(rt_receiver *r, rt_message **p, uint64_t *lost,
                                       rt_waiter *t) {
  rt_broadcast *f = r->broadcast;
  uint64_t oldest = f->next > f->capacity ? f->next - f->capacity : 0;
  if (r->closed) return RT_BROADCAST_CLOSED;
  if (r->next < oldest) {
    *lost = oldest - r->next;
    r->next = oldest;
    if (!f->latest) return RT_BROADCAST_LAGGED;
  }
  if (r->next < f->next) {
    *p = rt_message_hold(f->ring[r->next++ % f->capacity]);
    return RT_BROADCAST_DONE;
  }
  if (f->closed) return RT_BROADCAST_CLOSED;
  if (t) queue_locked(r, t);
  return RT_BROADCAST_WAITS;
}

rt_broadcast_result rt_receiver_recv(rt_receiver *r, rt_message **p, uint64_t *lost, rt_waiter *t) {
  *p = NULL;
  rt_lock_take(&r->broadcast->lock);
  rt_broadcast_result answer = recv_locked(r, p, lost, t);
  rt_lock_give(&r->broadcast->lock);
  return answer;
}

bool rt_receiver_await(rt_receiver *r, rt_waiter *t) {
  rt_broadcast *f = r->broadcast;
  rt_lock_take(&f->lock);
  bool waits = !r->closed && !f->closed && r->next == f->next;
  if (waits) queue_locked(r, t);
  rt_lock_give(&f->lock);
  return waits;
}

void rt_receiver_close(rt_receiver *r) {
  rt_broadcast *f = r->broadcast;
  rt_lock_take(&f->lock);
  if (!r->closed) f->receivers--;
  r->closed = true;
  rt_list_remove(&r->link);
  rt_waiter_call_all(&r->waiters, RT_BROADCAST_CLOSED);
  rt_lock_give(&f->lock);
}

uint64_t rt_receiver_unread(rt_receiver *r, bool *closed) {
  rt_lock_take(&r->broadcast->lock);
  uint64_t behind = r->broadcast->next - r->next;
  *closed = r->closed;
  rt_lock_give(&r->broadcast->lock);
  return behind;
}
