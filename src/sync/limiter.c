/* The clocks. While a waiter of a driver is in the queue, the limiter has a clock of this driver,
** whose timer is in the driver's wheel, and is set for the time at which the first waiter of the
** queue is due ('due'), or an earlier one. When the timer fires, the queue is served, and the timer
** set again. Only the driver's thread sets it. So:
** - If waiters are served or come, the first one is due later than before, and a clock that fires
**   too early is set anew.
** - If the first waiter is withdrawn, or tokens are given back, the first one may be due earlier.
**   Then a post asks the drivers whose clocks are set for later to set them (announce_locked). The
**   mailbox of such a driver exists, since it has a waiter in the queue ('waiting').
** A clock is freed by its driver's thread when no waiter is left and no post is on its way; and
** when the driver closes. It holds the limiter.
**
** spec/model/limiter.c checks that each waiter is called, and that none is forgotten.
*/
#include "sync/limiter.h"

#include <math.h>

typedef struct limiter_clock {
  rt_timer_call timer;
  rt_uv_handle at_close; /* (no handle of libuv: the driver calls it when it closes) */
  rt_post post;
  rt_limiter *limiter; /* held */
  rt_driver *driver;
  /* under the lock of the limiter */
  rt_list link;
  int waiting;  /* how many waiters of the driver are in the queue */
  uint64_t due; /* rt_clock: what the timer is set for */
  bool posted;  /* the post is on its way */
} limiter_clock;

/* --- tokens ----------------------------------------------------------------------------------- */
static const uint64_t never = UINT64_MAX;

/* When there will have been so many tokens more than are in a full bucket. */
static uint64_t time_of(const rt_limiter *l, int64_t tokens) {
  if (tokens <= 0) return l->since;
  double ns = ceil((double)tokens * 1e9 / l->rate);
  return ns < 0x1p62 ? l->since + (uint64_t)ns : never;
}

static uint64_t due_of(const rt_limiter *l, int n) { return time_of(l, l->taken + n - l->burst); }

static bool is_due(const rt_limiter *l, int n, uint64_t now) { return due_of(l, n) <= now; }

/* No task waits: what would overflow the bucket is lost. */
static void fill_locked(rt_limiter *l, uint64_t now) {
  if (l->waiting > 0 || time_of(l, l->taken) > now) return;
  l->since = now;
  l->taken = 0;
}

static bool limiter_can_acquire_locked(rt_limiter *l, int n) {
  uint64_t now = rt_clock();
  fill_locked(l, now);
  return rt_waiter_first(&l->waiters) == NULL && is_due(l, n, now);
}

/* --- clocks ----------------------------------------------------------------------------------- */
static limiter_clock *clock_of_locked(rt_limiter *l, const rt_driver *d) {
  for (rt_list *i = l->clocks.next; i != &l->clocks; i = i->next) {
    limiter_clock *c = rt_containerof(i, limiter_clock, link);
    if (c->driver == d) return c;
  }
  return NULL;
}

/* The waiter that is served next; NULL: none waits. If the first waiter belongs to a select, that
** is the one that wants the least of the waiters of the same select right behind it: a select that
** asks for two different numbers does not block itself. */
static rt_waiter *limiter_next_waiter_locked(rt_limiter *l) {
  rt_waiter *head = rt_waiter_first(&l->waiters), *next = head;
  if (head == NULL || head->claim == NULL) return head;
  for (rt_list *i = head->link.next; i != &l->waiters; i = i->next) {
    rt_waiter *waiter = rt_containerof(i, rt_waiter, link);
    if (waiter->claim != head->claim) break;
    if (waiter->want < next->want) next = waiter;
  }
  return next;
}

/* When that one is due. */
static uint64_t next_due_locked(rt_limiter *l) {
  const rt_waiter *next = limiter_next_waiter_locked(l);
  return next ? due_of(l, next->want) : never;
}

static void limiter_serve_waiters_locked(rt_limiter *l) {
  uint64_t now = rt_clock();
  rt_waiter *waiter;
  while ((waiter = limiter_next_waiter_locked(l)) != NULL && is_due(l, waiter->want, now)) {
    if (!rt_waiter_claim(waiter)) continue;
    l->taken += waiter->want;
    l->waiting--;
    clock_of_locked(l, waiter->driver)->waiting--;
    rt_waiter_call(waiter, 0);
  }
}

/* The first waiter may be due earlier than before: asks the other drivers to set their clocks. */
static void announce_locked(rt_limiter *l, const rt_driver *except) {
  uint64_t due = next_due_locked(l);
  for (rt_list *i = l->clocks.next; i != &l->clocks; i = i->next) {
    limiter_clock *c = rt_containerof(i, limiter_clock, link);
    if (c->driver == except || c->waiting == 0 || c->posted || c->due <= due) continue;
    c->posted = true;
    rt_mailbox_post(&c->driver->mailbox, &c->post);
  }
}

static void free_clock_locked(limiter_clock *c) {
  rt_timer_remove(&c->timer.timer);
  rt_driver_remove_uv_handle(&c->at_close);
  rt_list_remove(&c->link);
  rt_free(c);
}

/* The driver's thread: sets the clock. True: the clock was freed, as it is not needed any more, and
** the caller has to drop the limiter, after it has given the lock back. */
static bool set_clock_locked(limiter_clock *c) {
  if (c->waiting == 0 && !c->posted) {
    free_clock_locked(c);
    return true;
  }
  rt_timer_remove(&c->timer.timer);
  c->due = c->waiting > 0 ? next_due_locked(c->limiter) : never;
  if (c->due == never) return false;
  uint64_t now = rt_clock();
  rt_wheel_add(&c->driver->wheel, &c->timer.timer, RT_TIMER_CALL,
               rt_driver_after(c->driver, c->due > now ? c->due - now : 0));
  return false;
}

static void clock_event(limiter_clock *c, bool is_post) {
  rt_limiter *l = c->limiter;
  rt_lock_take(&l->lock);
  if (is_post) c->posted = false;
  limiter_serve_waiters_locked(l);
  bool freed = set_clock_locked(c);
  rt_lock_give(&l->lock);
  if (freed) rt_shared_drop(&l->shared);
}

static void clock_on_fire(rt_timer_call *call) {
  clock_event(rt_containerof(call, limiter_clock, timer), false);
}

static void clock_on_post(rt_post *p, void *driver) {
  (void)driver;
  clock_event(rt_containerof(p, limiter_clock, post), true);
}

/* (All waiters of the driver have been withdrawn, and its posts were delivered.) */
static void clock_on_driver_close(rt_uv_handle *h) {
  limiter_clock *c = rt_containerof(h, limiter_clock, at_close);
  rt_limiter *l = c->limiter;
  rt_lock_take(&l->lock);
  free_clock_locked(c);
  rt_lock_give(&l->lock);
  rt_shared_drop(&l->shared);
}

/* A task that waits for a timer is counted by the wheel. */
static bool clock_is_awaited(rt_uv_handle *h) {
  (void)h;
  return false;
}

static limiter_clock *new_clock_locked(rt_limiter *l, rt_driver *d) {
  limiter_clock *c = rt_calloc(sizeof *c);
  if (c == NULL) return NULL;
  rt_timer_call_init(&c->timer, clock_on_fire);
  c->post.deliver = clock_on_post;
  c->limiter = l;
  c->driver = d;
  c->at_close.is_awaited = clock_is_awaited;
  rt_driver_add_uv_handle(d, &c->at_close, clock_on_driver_close);
  rt_list_append(&l->clocks, &c->link);
  rt_shared_hold(&l->shared);
  return c;
}

/* --- the limiter ------------------------------------------------------------------------------ */
void rt_limiter_free(rt_shared *shared) {
  rt_limiter *l = rt_limiter_of(shared);
  rt_shared_delete(shared, &l->lock);
}

rt_limiter *rt_limiter_new(const rt_shared_kind *kind, double rate, int64_t burst) {
  rt_limiter *l = rt_shared_new(sizeof *l, offsetof(rt_limiter, lock), kind);
  if (l == NULL) return NULL;
  l->rate = rate;
  l->burst = burst;
  l->since = rt_clock();
  rt_list_init(&l->waiters);
  rt_list_init(&l->clocks);
  return l;
}

bool rt_limiter_acquire(rt_limiter *l, int n) {
  rt_lock_take(&l->lock);
  bool done = limiter_can_acquire_locked(l, n);
  if (done) l->taken += n;
  rt_lock_give(&l->lock);
  return done;
}

/* A waiter was withdrawn. (The task that waited holds the limiter: dropping it frees nothing.) */
static void limiter_on_withdraw(rt_waiter *waiter) {
  rt_limiter *l = rt_containerof(waiter->lock, rt_limiter, lock);
  limiter_clock *c = clock_of_locked(l, waiter->driver);
  l->waiting--;
  c->waiting--;
  limiter_serve_waiters_locked(l);
  announce_locked(l, waiter->driver);
  if (set_clock_locked(c)) rt_shared_drop(&l->shared);
}

int rt_limiter_await(rt_limiter *l, int n, rt_waiter *waiter) {
  int err = UV_EAGAIN;
  rt_lock_take(&l->lock);
  if (!limiter_can_acquire_locked(l, n)) {
    limiter_clock *c = clock_of_locked(l, waiter->driver);
    if (c == NULL) c = new_clock_locked(l, waiter->driver);
    err = c ? 0 : UV_ENOMEM;
    if (c) {
      waiter->want = n;
      waiter->on_withdraw = limiter_on_withdraw;
      l->waiting++;
      c->waiting++;
      rt_waiter_enqueue(waiter, &l->waiters, &l->lock);
      limiter_serve_waiters_locked(l); /* (perhaps all waiters before it are of its own select) */
      if (set_clock_locked(c)) rt_shared_drop(&l->shared); /* (the caller holds the limiter) */
    }
  }
  rt_lock_give(&l->lock);
  return err;
}

void rt_limiter_waited(rt_limiter *l, rt_driver *d) {
  rt_lock_take(&l->lock);
  limiter_clock *c = clock_of_locked(l, d);
  bool freed = c && c->waiting == 0 && set_clock_locked(c);
  rt_lock_give(&l->lock);
  if (freed) rt_shared_drop(&l->shared);
}

void rt_limiter_give_back(rt_limiter *l, int n) {
  rt_lock_take(&l->lock);
  l->taken = l->taken > n ? l->taken - n : 0; /* (the bucket may have been full since) */
  limiter_serve_waiters_locked(l);
  announce_locked(l, NULL);
  rt_lock_give(&l->lock);
}

int64_t rt_limiter_available(rt_limiter *l, int *waiting) {
  rt_lock_take(&l->lock);
  uint64_t now = rt_clock();
  fill_locked(l, now);
  *waiting = l->waiting;
  double tokens = (double)(l->burst - l->taken) + (double)(now - l->since) * l->rate / 1e9;
  rt_lock_give(&l->lock);
  return *waiting > 0 || tokens < 0 ? 0 : tokens > (double)l->burst ? l->burst : (int64_t)tokens;
}
