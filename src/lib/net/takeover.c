#include "lib/net/takeover.h"

#include "diag/watchdog.h"

#include <unistd.h>

enum {
  GIVEN_MAX = RT_SIZE(128, 2)
}; /* connections that a listener is given and has not accepted */

struct rt_takeover {
  rt_shared shared; /* held by the listener or its transfer, and by connections on their way */
  /* under the lock of the registry */
  rt_list all;  /* in 'takeovers' */
  rt_list ring; /* the listeners of the server */
  int fd;       /* the listening socket; -1: the listener is a spare one */
  rt_worker_status
      *status;      /* of its worker; NULL: no worker has received it yet, or it is closed */
  uint64_t made_at; /* rt_clock */
  /* worker's thread */
  rt_uv_handle uv_handle;
  rt_listener *listener; /* NULL: no worker has received it yet, or it is closed */
  rt_list given;         /* connections, to be accepted by this listener */
  /* atomic */
  rt_atomic(int) count; /* of the connections in 'given' and on their way there */
};

typedef struct connection {
  rt_post post;
  rt_list link;
  rt_takeover *to; /* held */
  int fd;
} connection;

static rt_list takeovers = {&takeovers, &takeovers}; /* under the lock of the registry */

static rt_takeover *of_all(rt_list *l) { return rt_containerof(l, rt_takeover, all); }
static rt_takeover *of_ring(rt_list *l) { return rt_containerof(l, rt_takeover, ring); }

static void free_takeover(rt_shared *shared) {
  rt_free(rt_containerof(shared, rt_takeover, shared));
}

static const rt_shared_kind takeover_kind = {"takeover", free_takeover, -1, NULL};

/* Returns the descriptor, which is the caller's now. */
static int free_connection(connection *c) {
  int fd = c->fd;
  rt_sub(&c->to->count, 1);
  rt_shared_drop(&c->to->shared);
  rt_free(c);
  return fd;
}

/* --- the thread of the listener's worker ------------------------------------------------------ */
static void on_given(rt_post *p, void *driver) {
  connection *c = rt_containerof(p, connection, post);
  rt_listener *l = c->to->listener;
  if (l == NULL) { /* it was closed meanwhile, as were the connections in its queue */
    close(free_connection(c));
    return;
  }
  rt_list_append(&c->to->given, &c->link);
  rt_list *parked = rt_list_first(&l->sock->parked[RT_READ]);
  if (parked) rt_driver_wake(driver, rt_containerof(parked, rt_task, link), RT_FIRED);
}

bool rt_takeover_has_connection(const rt_takeover *t) { return !rt_list_is_empty(&t->given); }

bool rt_takeover_has_arrived(const rt_takeover *t) { return t->listener != NULL; }

bool rt_takeover_is_spare(const rt_takeover *t) { return t->fd < 0; }

int rt_takeover_accept(rt_takeover *t) {
  rt_list *l = rt_list_take(&t->given);
  return l ? free_connection(rt_containerof(l, connection, link)) : UV_EAGAIN;
}

/* The driver closes: nothing is accepted from this worker's listeners any more, since it has left
** the registry. */
static void close_with_driver(rt_uv_handle *h) {
  rt_takeover *t = rt_containerof(h, rt_takeover, uv_handle);
  t->listener->takeover = NULL;
  rt_takeover_end(t);
}

static bool is_never_awaited(rt_uv_handle *h) {
  (void)h;
  return false; /* (its task waits for the socket) */
}

void rt_takeover_arrive(rt_takeover *t, rt_worker *w, rt_listener *l) {
  rt_worker_assert_thread(w);
  t->listener = l;
  rt_driver_add_uv_handle(&w->driver, &t->uv_handle, close_with_driver);
  t->uv_handle.is_awaited = is_never_awaited;
  rt_worker_registry_lock();
  t->status = &w->status;
  rt_worker_registry_unlock();
}

void rt_takeover_end(rt_takeover *t) {
  rt_worker_registry_lock();
  rt_worker_status *status = t->status;
  t->status = NULL;
  rt_list_remove(&t->all);
  rt_list_remove(&t->ring);
  if (rt_list_is_empty(&takeovers)) rt_watchdog_on_stuck(NULL);
  rt_worker_registry_unlock();
  if (status) {
    rt_driver_remove_uv_handle(&t->uv_handle);
    t->listener = NULL;
  }
  while (rt_takeover_has_connection(t)) close(rt_takeover_accept(t));
  rt_shared_drop(&t->shared);
}

/* --- the watchdog's thread, under the lock of the registry ------------------------------------ */
/* Is its worker stuck, or does the listener still wait for a worker? */
static bool is_unattended(rt_takeover *t, uint64_t now) {
  if (t->status == NULL) return now - t->made_at >= RT_STUCK;
  return rt_worker_status_is_stuck(t->status, now);
}

static bool can_be_given(rt_takeover *t, uint64_t now) {
  return t->status && t->status->registered && rt_load(&t->count) < GIVEN_MAX &&
         !rt_worker_status_is_stuck(t->status, now);
}

/* The one of the ring that has been given the fewest connections. NULL: there is none that could
** accept them soon. */
static rt_takeover *find_substitute(rt_takeover *t, uint64_t now) {
  rt_takeover *best = NULL;
  for (rt_list *l = t->ring.next; l != &t->ring; l = l->next) {
    rt_takeover *to = of_ring(l);
    if (can_be_given(to, now) && (best == NULL || rt_load(&to->count) < rt_load(&best->count)))
      best = to;
  }
  return best;
}

static void give(rt_takeover *to, connection *c) {
  c->to = to;
  c->post.deliver = on_given;
  rt_shared_hold(&to->shared);
  rt_add(&to->count, 1);
  rt_mailbox_post(to->status->mailbox, &c->post);
}

/* What cannot be accepted, for whatever reason, stays in the queue, or is gone. */
static void accept_for(rt_takeover *t, uint64_t now) {
  rt_takeover *to;
  while ((to = find_substitute(t, now)) != NULL) {
    connection *c = rt_calloc(sizeof *c);
    int fd = c ? rt_tcp_accept(t->fd) : UV_ENOMEM;
    if (fd < 0) {
      rt_free(c);
      return;
    }
    c->fd = fd;
    rt_list_init(&c->link);
    give(to, c);
  }
}

/* Called when a worker is stuck. Returns whether one of its listeners has to be looked after. */
static bool take_over(uint64_t now) {
  bool any = false;
  for (rt_list *l = takeovers.next; l != &takeovers; l = l->next) {
    rt_takeover *t = of_all(l);
    if (t->fd < 0 || (t->status && !t->status->registered) || !is_unattended(t, now)) continue;
    accept_for(t, now);
    any = true;
  }
  return any;
}

/* --- the worker that opens the server --------------------------------------------------------- */
bool rt_takeover_join(rt_listener *l, const rt_listener *first, bool spare) {
  rt_takeover *t = rt_calloc(sizeof *t);
  if (t == NULL) return false;
  rt_shared_init(&t->shared, &takeover_kind);
  rt_list_init(&t->ring);
  rt_list_init(&t->given);
  t->fd = spare ? -1 : l->sock->fd;
  t->made_at = rt_clock();
  l->takeover = t;
  rt_worker_registry_lock();
  if (rt_list_is_empty(&takeovers)) rt_watchdog_on_stuck(take_over);
  rt_list_append(&takeovers, &t->all);
  if (first) rt_list_append(&first->takeover->ring, &t->ring);
  rt_worker_registry_unlock();
  return true;
}
