#include "sched/sched.h"

#include <limits.h>

/* --- beginning and end of a scheduler --------------------------------------------------------- */
static void close_queues(rt_seat *seat) {
  rt_runq_close(&seat->queue);
  rt_runq_close(&seat->pinned);
}

static void free_sched(rt_thing *t) {
  rt_sched *s = rt_containerof(t, rt_sched, thing);
  for (int i = 0; i < s->config.seats; i++) close_queues(&s->seats[i]);
  if (s->config.free_recipe) s->config.free_recipe(s->config.recipe);
  rt_office_drop(s->config.office);
  rt_lock_close(&s->lock);
  rt_free(s);
}

static const rt_thing_kind sched_kind = {.name = "scheduler", .free = free_sched};

static bool init_queues(rt_seat *seat) {
  if (rt_runq_init(&seat->queue) != 0) return false;
  if (rt_runq_init(&seat->pinned) == 0) return true;
  rt_runq_close(&seat->queue);
  return false;
}

static bool init_seats(rt_sched *s) {
  for (int i = 0; i < s->config.seats; i++) {
    rt_seat *seat = &s->seats[i];
    seat->sched = s;
    seat->number = i;
    seat->stop_post.deliver = s->config.stop;
    seat->left_post.deliver = s->config.left;
    if (!init_queues(seat)) {
      while (i-- > 0) close_queues(&s->seats[i]);
      return false;
    }
  }
  return true;
}

rt_sched *rt_sched_new(const rt_sched_config *config) {
  size_t size = sizeof(rt_sched) + (size_t)config->seats * sizeof(rt_seat);
  rt_sched *s = rt_calloc(size);
  if (s == NULL) return NULL;
  rt_thing_init(&s->thing, &sched_kind);
  s->config = *config;
  if (s->config.queue_most == 0) s->config.queue_most = INT_MAX;
  rt_list_init(&s->waiting);
  if (rt_lock_init(&s->lock) != 0) goto no_lock;
  if (!init_seats(s)) goto no_seats;
  return s;
no_seats:
  rt_lock_close(&s->lock);
no_lock:
  rt_free(s);
  return NULL;
}

void rt_sched_pair(rt_sched *a, rt_sched *b) {
  a->peer = rt_sched_hold(b);
  b->peer = rt_sched_hold(a);
}

rt_sched *rt_sched_peer(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_sched *peer = s->peer ? rt_sched_hold(s->peer) : NULL;
  rt_lock_give(&s->lock);
  return peer;
}

/* --- seats --------------------------------------------------------------------------------------- */
/* Who started it has counted it: else it would see a job in vain, again and again. */
static void await_starter(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_lock_give(&s->lock);
}

static void thread_main(void *arg) {
  rt_seat *seat = arg;
  rt_sched *s = seat->sched;
  await_starter(s);
  if (seat->plays) rt_baton_await(&seat->player);
  s->config.member(seat);
  if (seat->plays) rt_baton_leave(&seat->player);
  rt_sched_drop(s);
}

/* 0, or why no thread could be started; UV_ENOSPC: every seat is taken */
static int take_seat_locked(rt_sched *s) {
  int n = rt_load_relaxed(&s->taken), err;
  if (n == s->config.seats) return UV_ENOSPC;
  rt_seat *seat = &s->seats[n];
  rt_sched_hold(s);
  rt_astir_enter(&s->config.office->astir);
  seat->state = RT_SEAT_TAKEN;
  seat->plays = rt_baton_join(&seat->player);
  if ((err = rt_thread_start(&seat->thread, s->config.stack, thread_main, seat)) != 0) {
    if (seat->plays) rt_baton_forget(&seat->player);
    seat->state = RT_SEAT_EMPTY;
    rt_astir_leave(&s->config.office->astir); /* (the last one cannot: this thread is) */
    rt_sched_drop(s);
    return err;
  }
  rt_store(&s->taken, n + 1);
  return 0;
}

static int take_seat(rt_sched *s, int unless_taken) {
  int err = 0;
  rt_lock_take(&s->lock);
  if (rt_load(&s->stopping))
    err = UV_ECANCELED;
  else if (rt_load_relaxed(&s->taken) <= unless_taken)
    err = take_seat_locked(s);
  rt_lock_give(&s->lock);
  return err;
}

int rt_sched_start(rt_sched *s) {
  return rt_likely(rt_load_relaxed(&s->taken) > 0) ? 0 : take_seat(s, 0);
}

static void tell_to_stop_locked(rt_seat *seat) {
  if (seat->queue.owner == NULL || seat->told_to_stop) return;
  seat->told_to_stop = true;
  rt_mailbox_post(&seat->queue.owner->mailbox, &seat->stop_post);
}

void rt_seat_up(rt_seat *seat, rt_driver *d) {
  rt_sched *s = seat->sched;
  rt_lock_take(&seat->queue.lock);
  seat->queue.owner = d;
  if (rt_load(&s->stopping)) tell_to_stop_locked(seat);
  rt_lock_give(&seat->queue.lock);
}

static uint64_t bit_of(const rt_seat *seat) { return 1ull << (seat->number % 64); }
static rt_atomic(uint64_t) * word_of(rt_seat *seat) {
  return &seat->sched->idle[seat->number / 64];
}

bool rt_sched_has_job(rt_seat *seat) {
  rt_sched *s = seat->sched;
  int n = rt_load(&s->taken);
  if (rt_load(&seat->pinned.count) > 0) return true;
  for (int i = 0; i < n; i++)
    if (rt_load(&s->seats[i].queue.count) > 0) return true;
  return false;
}

static bool wake_seat(rt_seat *seat) {
  uint64_t before = rt_load(word_of(seat)), bit = bit_of(seat);
  do {
    if (!(before & bit)) return false;
  } while (!rt_cas(word_of(seat), &before, before & ~bit));
  rt_chaos_delay();
  rt_lock_take(&seat->queue.lock); /* it cannot go meanwhile */
  if (seat->queue.owner) rt_driver_ring(seat->queue.owner);
  rt_lock_give(&seat->queue.lock);
  return true;
}

/* Somebody idle gets up, this one if it can be. */
static bool wake_one(rt_sched *s, rt_seat *best) {
  if (wake_seat(best)) return true;
  for (size_t word = 0; word < rt_countof(s->idle); word++) {
    uint64_t idle;
    while ((idle = rt_load(&s->idle[word])) != 0)
      if (wake_seat(&s->seats[word * 64 + (size_t)__builtin_ctzll(idle)])) return true;
  }
  return false;
}

bool rt_seat_rest(rt_seat *seat) {
  rt_or(word_of(seat), bit_of(seat));
  rt_chaos_delay();
  /* after the announcement; see rt_sched_submit */
  if (!rt_sched_has_job(seat)) return true;
  rt_seat_rise(seat, false);
  return false;
}

void rt_seat_rise(rt_seat *seat, bool busy) {
  uint64_t bit = bit_of(seat);
  bool idle = rt_load(word_of(seat)) & bit, woken = !idle || !(rt_and(word_of(seat), ~bit) & bit);
  /* whoever woke it counts on it, and will not wake another one */
  if (woken && busy && rt_sched_has_job(seat)) wake_one(seat->sched, seat);
}

/* Nobody begins these any more. */
static void abandon(rt_sched *s, rt_runq *q, const char *excuse) {
  rt_job *j;
  while ((j = rt_runq_take(q)) != NULL) {
    rt_sub(&s->queued, 1);
    if (excuse == NULL)
      rt_job_cancel(j, NULL);
    else if (rt_job_begin(j, NULL, NULL)) /* (somebody else may have cancelled it) */
      rt_job_end_unbegun(j, RT_FAILED, excuse);
    rt_job_drop(j);
  }
}

/* Those who wait for room will find that there is no worker. */
static void dismiss_waiting(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_ticket_call_all(&s->waiting, 0);
  rt_lock_give(&s->lock);
}

/* The last one locks up: no queue takes a job any more. */
static void lock_queue(rt_sched *s, rt_runq *q) {
  rt_lock_take(&q->lock);
  q->closed = true;
  rt_lock_give(&q->lock);
  abandon(s, q, rt_load(&s->stopping) ? NULL : "no worker could be started (stderr says why)");
}

static void lock_up(rt_sched *s) {
  for (int i = 0; i < s->config.seats; i++) lock_queue(s, &s->seats[i].queue);
  if (!rt_load(&s->stopping)) dismiss_waiting(s); /* else they are cancelled anyway */
}

void rt_seat_down(rt_seat *seat) {
  rt_lock_take(&seat->queue.lock);
  seat->queue.owner = NULL;
  rt_lock_give(&seat->queue.lock);
  rt_and(word_of(seat), ~bit_of(seat));
}

void rt_seat_leave(rt_seat *seat) {
  rt_sched *s = seat->sched;
  bool last = true;
  lock_queue(s, &seat->pinned);
  rt_lock_take(&s->lock);
  seat->state = RT_SEAT_LEFT;
  for (int i = 0; i < s->config.seats; i++) last = last && s->seats[i].state != RT_SEAT_TAKEN;
  rt_lock_give(&s->lock);
  if (last) lock_up(s);
  rt_office_leave(s->config.office);
  rt_office_post(s->config.office, &seat->left_post);
}

/* --- submitting ------------------------------------------------------------------------------------ */
static int load_of(rt_seat *seat) {
  return rt_runq_count(&seat->queue) + rt_load_relaxed(&seat->load);
}

static rt_seat *least_loaded(rt_sched *s) {
  int n = rt_load_relaxed(&s->taken), at = (int)(rt_add(&s->turn, 1) % (unsigned)n);
  rt_seat *best = &s->seats[at];
  int least = load_of(best);
  for (int i = 1; i < n && least > 0; i++) {
    rt_seat *seat = &s->seats[(at + i) % n];
    int load = load_of(seat);
    if (load >= least) continue;
    best = seat;
    least = load;
  }
  return best;
}

/* The queue is closed: for the end, or as there is no thread for it. */
static int why_closed(rt_sched *s) { return rt_load(&s->stopping) ? UV_ECANCELED : UV_ENXIO; }

int rt_sched_submit(rt_sched *s, rt_job *j, rt_seat *own) {
  int taken = rt_load_relaxed(&s->taken);
  if (rt_load(&s->stopping)) return UV_ECANCELED;
  if (rt_load_relaxed(&s->queued) >= s->config.queue_most) return UV_EAGAIN;
  rt_seat *seat = own ? own : least_loaded(s);
  rt_add(&s->queued, 1);
  int err = rt_runq_put(&seat->queue, j);
  if (err != 0) {
    rt_sub(&s->queued, 1);
    return err == UV_ECANCELED ? why_closed(s) : err;
  }
  /* after the job is there; see rt_seat_rest */
  if (!wake_one(s, seat) && taken < s->config.seats) take_seat(s, taken);
  return 0;
}

/* So many seats that this one has a thread. */
static int take_seats_up_to(rt_sched *s, int number) {
  int err = 0;
  while (err == 0 && rt_load_relaxed(&s->taken) <= number) err = take_seat(s, number);
  return err;
}

int rt_sched_submit_to(rt_sched *s, rt_job *j, int number) {
  rt_seat *seat = &s->seats[number];
  int err = take_seats_up_to(s, number);
  if (err != 0) return err;
  rt_add(&s->queued, 1);
  if ((err = rt_runq_put(&seat->pinned, j)) != 0) {
    rt_sub(&s->queued, 1);
    return err == UV_ECANCELED ? why_closed(s) : err;
  }
  wake_seat(seat); /* after the job is there */
  return 0;
}

bool rt_sched_await_room(rt_sched *s, rt_ticket *t, bool again) {
  rt_lock_take(&s->lock);
  bool room = rt_load(&s->queued) < s->config.queue_most;
  if (!room) rt_ticket_queue(t, again ? s->waiting.next : &s->waiting, &s->lock);
  rt_lock_give(&s->lock);
  return room;
}

void rt_sched_pass_room(rt_sched *s) {
  rt_lock_take(&s->lock);
  bool room = rt_load(&s->queued) < s->config.queue_most;
  rt_ticket *t = room ? rt_ticket_next(&s->waiting, NULL) : NULL;
  if (t) rt_ticket_call(t, 0);
  rt_lock_give(&s->lock);
}

/* --- taking ------------------------------------------------------------------------------------------- */
static void make_room(rt_sched *s) {
  rt_sub(&s->queued, 1);
  if (s->config.queue_most != INT_MAX) rt_sched_pass_room(s);
}

static rt_job *taken(rt_seat *seat, rt_job *j) {
  rt_sched *s = seat->sched;
  make_room(s);
  /* what is left may be for somebody who sleeps */
  if (rt_runq_count(&seat->queue) > 0) wake_one(s, seat);
  return j;
}

/* Each says what it does, and then looks at what the other does. */
static int steal_from(rt_seat *seat, rt_runq *q) {
  rt_sched *s = seat->sched;
  rt_add(&s->thieves, 1);
  int stolen = rt_load(&s->watchers) == 0 ? rt_runq_steal(q, &seat->queue) : 0;
  rt_sub(&s->thieves, 1);
  return stolen;
}

void rt_sched_watch(rt_sched *s) {
  rt_add(&s->watchers, 1);
  while (rt_load(&s->thieves) > 0) rt_thread_yield();
}

void rt_sched_unwatch(rt_sched *s) { rt_sub(&s->watchers, 1); }

static bool steal(rt_seat *seat) {
  rt_sched *s = seat->sched;
  int n = rt_load(&s->taken);
  for (int i = 1; i < n; i++) {
    rt_runq *q = &s->seats[(seat->number + i) % n].queue;
    int stolen = rt_runq_count(q) > 0 ? steal_from(seat, q) : 0;
    if (stolen == 0) continue;
    rt_count(&seat->counts, RT_COUNT_STOLEN, (uint64_t)stolen);
    return true;
  }
  return false;
}

rt_job *rt_sched_take(rt_seat *seat, bool may_steal) {
  rt_job *j = rt_runq_take(&seat->pinned);
  if (j != NULL) return taken(seat, j);
  if (rt_chaos_strikes(RT_CHAOS_STEAL)) steal(seat);
  if ((j = rt_runq_take(&seat->queue)) != NULL) return taken(seat, j);
  while (may_steal && steal(seat))
    if ((j = rt_runq_take(&seat->queue)) != NULL) return taken(seat, j);
  return NULL;
}

/* --- is there anything left to do? ------------------------------------------------------------------- */
void rt_sched_each(rt_sched *s, void (*f)(rt_seat *, rt_driver *, void *), void *arg) {
  for (int i = 0; i < rt_load(&s->taken); i++) {
    rt_seat *seat = &s->seats[i];
    rt_lock_take(&seat->queue.lock);
    if (seat->queue.owner) f(seat, seat->queue.owner, arg);
    rt_lock_give(&seat->queue.lock);
  }
}

typedef struct glance {
  bool quiet; /* no post */
  bool busy;  /* every worker has a task */
} glance;

static void look_at(rt_seat *seat, rt_driver *d, void *arg) {
  glance *g = arg;
  if (!rt_mailbox_is_quiet(&d->mailbox)) g->quiet = false;
  if (rt_load_relaxed(&seat->load) == 0) g->busy = false;
}

/* A worker that runs one job at a time takes no other while that one waits. */
bool rt_sched_is_quiet(rt_sched *s) {
  glance g = {true, s->config.exclusive && rt_load(&s->taken) == s->config.seats};
  rt_sched_each(s, look_at, &g);
  return g.quiet && (g.busy || rt_load(&s->queued) == 0);
}

/* --- stopping ------------------------------------------------------------------------------------------- */
void rt_sched_stop(rt_sched *s) {
  rt_lock_take(&s->lock);
  bool first = !rt_swap(&s->stopping, true);
  rt_lock_give(&s->lock);
  if (!first) return;
  for (int i = 0; i < rt_load(&s->taken); i++) {
    rt_seat *seat = &s->seats[i];
    rt_lock_take(&seat->queue.lock);
    tell_to_stop_locked(seat); /* one that is not up yet will see it then */
    rt_lock_give(&seat->queue.lock);
  }
}

int rt_sched_left(rt_sched *s) {
  int n = 0;
  rt_lock_take(&s->lock);
  for (int i = 0; i < s->config.seats; i++) n += s->seats[i].state == RT_SEAT_TAKEN;
  rt_lock_give(&s->lock);
  return n;
}

void rt_sched_part(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_sched *peer = s->peer;
  s->peer = NULL;
  rt_lock_give(&s->lock);
  if (peer) rt_sched_drop(peer);
  for (int i = 0; i < rt_load(&s->taken); i++) {
    rt_seat *seat = &s->seats[i];
    rt_lock_take(&s->lock);
    bool left = seat->state == RT_SEAT_LEFT;
    rt_lock_give(&s->lock);
    if (left)
      rt_thread_join(seat->thread);
    else
      rt_thread_detach(seat->thread); /* it does not come back from C */
  }
  rt_sched_drop(s);
}
