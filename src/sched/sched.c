#include "sched/sched.h"

#include <limits.h>

/* --- beginning and end of a scheduler --------------------------------------------------------- */
static void close_queues(rt_slot *slot) {
  rt_runq_close(&slot->queue);
  rt_runq_close(&slot->pinned);
}

static void free_sched(rt_shared *t) {
  rt_sched *s = rt_containerof(t, rt_sched, shared);
  for (int i = 0; i < s->config.slots; i++) close_queues(&s->slots[i]);
  if (s->config.free_worker_config) s->config.free_worker_config(s->config.worker_config);
  rt_runtime_drop(s->config.runtime);
  rt_shared_delete(t, &s->lock);
}

static const rt_shared_kind sched_kind = {.name = "scheduler", .free = free_sched};

static bool init_queues(rt_slot *slot) {
  if (rt_runq_init(&slot->queue) != 0) return false;
  if (rt_runq_init(&slot->pinned) == 0) return true;
  rt_runq_close(&slot->queue);
  return false;
}

static bool init_seats(rt_sched *s) {
  for (int i = 0; i < s->config.slots; i++) {
    rt_slot *slot = &s->slots[i];
    slot->sched = s;
    slot->number = i;
    slot->stop_post.deliver = s->config.on_stop;
    slot->ended_post.deliver = s->config.on_ended;
    if (!init_queues(slot)) {
      while (i-- > 0) close_queues(&s->slots[i]);
      return false;
    }
  }
  return true;
}

rt_sched *rt_sched_new(const rt_sched_config *config) {
  size_t size = sizeof(rt_sched) + (size_t)config->slots * sizeof(rt_slot);
  rt_sched *s = rt_shared_new(size, offsetof(rt_sched, lock), &sched_kind);
  if (s == NULL) return NULL;
  s->config = *config;
  if (s->config.queue_max == 0) s->config.queue_max = INT_MAX;
  rt_list_init(&s->space_waiters);
  if (init_seats(s)) return s;
  rt_shared_delete(&s->shared, &s->lock);
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

/* --- slots --------------------------------------------------------------------------------------- */
/* Who started it has counted it: else it would see a job in vain, again and again. */
static void await_starter(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_lock_give(&s->lock);
}

static void thread_main(void *arg) {
  rt_slot *slot = arg;
  rt_sched *s = slot->sched;
  await_starter(s);
  if (slot->in_virtual_time) rt_vtime_await(&slot->vthread);
  s->config.run_worker(slot);
  if (slot->in_virtual_time) rt_vtime_leave(&slot->vthread);
  rt_sched_drop(s);
}

/* 0, or why no thread could be started; UV_ENOSPC: every slot is taken */
static int take_seat_locked(rt_sched *s) {
  int n = rt_load_relaxed(&s->started), err;
  if (n == s->config.slots) return UV_ENOSPC;
  rt_slot *slot = &s->slots[n];
  rt_sched_hold(s);
  rt_active_threads_enter(&s->config.runtime->active);
  slot->state = RT_SLOT_STARTED;
  slot->in_virtual_time = rt_vtime_join(&slot->vthread);
  if ((err = rt_thread_start(&slot->thread, s->config.stack, thread_main, slot)) != 0) {
    if (slot->in_virtual_time) rt_vtime_forget(&slot->vthread);
    slot->state = RT_SLOT_EMPTY;
    rt_active_threads_leave(&s->config.runtime->active); /* (the last one cannot: this thread is) */
    rt_sched_drop(s);
    return err;
  }
  rt_store(&s->started, n + 1);
  return 0;
}

static int take_seat(rt_sched *s, int unless_taken) {
  int err = 0;
  rt_lock_take(&s->lock);
  if (rt_load(&s->stopping))
    err = UV_ECANCELED;
  else if (rt_load_relaxed(&s->started) <= unless_taken)
    err = take_seat_locked(s);
  rt_lock_give(&s->lock);
  return err;
}

int rt_sched_start(rt_sched *s) {
  return rt_likely(rt_load_relaxed(&s->started) > 0) ? 0 : take_seat(s, 0);
}

static void tell_to_stop_locked(rt_slot *slot) {
  if (slot->queue.owner == NULL || slot->stop_posted) return;
  slot->stop_posted = true;
  rt_mailbox_post(&slot->queue.owner->mailbox, &slot->stop_post);
}

void rt_slot_attach(rt_slot *slot, rt_driver *d) {
  rt_sched *s = slot->sched;
  rt_lock_take(&slot->queue.lock);
  slot->queue.owner = d;
  if (rt_load(&s->stopping)) tell_to_stop_locked(slot);
  rt_lock_give(&slot->queue.lock);
}

static uint64_t bit_of(const rt_slot *slot) { return 1ull << (slot->number % 64); }
static rt_atomic(uint64_t) * word_of(rt_slot *slot) {
  return &slot->sched->idle[slot->number / 64];
}

bool rt_sched_has_job(rt_slot *slot) {
  rt_sched *s = slot->sched;
  int n = rt_load(&s->started);
  if (rt_load(&slot->pinned.count) > 0) return true;
  for (int i = 0; i < n; i++)
    if (rt_load(&s->slots[i].queue.count) > 0) return true;
  return false;
}

static bool wake_seat(rt_slot *slot) {
  uint64_t before = rt_load(word_of(slot)), bit = bit_of(slot);
  do {
    if (!(before & bit)) return false;
  } while (!rt_cas(word_of(slot), &before, before & ~bit));
  rt_chaos_delay();
  rt_lock_take(&slot->queue.lock); /* it cannot go meanwhile */
  if (slot->queue.owner) rt_driver_ring(slot->queue.owner);
  rt_lock_give(&slot->queue.lock);
  return true;
}

/* Somebody idle gets up, this one if it can be. */
static bool wake_one(rt_sched *s, rt_slot *best) {
  if (wake_seat(best)) return true;
  for (size_t word = 0; word < rt_countof(s->idle); word++) {
    uint64_t idle;
    while ((idle = rt_load(&s->idle[word])) != 0)
      if (wake_seat(&s->slots[word * 64 + (size_t)__builtin_ctzll(idle)])) return true;
  }
  return false;
}

bool rt_slot_enter_idle(rt_slot *slot) {
  rt_or(word_of(slot), bit_of(slot));
  rt_chaos_delay();
  /* after the announcement; see rt_sched_submit */
  if (!rt_sched_has_job(slot)) return true;
  rt_slot_leave_idle(slot, false);
  return false;
}

void rt_slot_leave_idle(rt_slot *slot, bool busy) {
  uint64_t bit = bit_of(slot);
  bool idle = rt_load(word_of(slot)) & bit, woken = !idle || !(rt_and(word_of(slot), ~bit) & bit);
  /* whoever woke it counts on it, and will not wake another one */
  if (woken && busy && rt_sched_has_job(slot)) wake_one(slot->sched, slot);
}

/* Nobody begins these any more. */
static void abandon(rt_sched *s, rt_runq *q, const char *excuse) {
  rt_job *j;
  while ((j = rt_runq_take(q)) != NULL) {
    rt_sub(&s->queued, 1);
    if (excuse == NULL)
      rt_job_cancel(j, NULL);
    else if (rt_job_begin(j, NULL, NULL)) /* (somebody else may have cancelled it) */
      rt_job_end_not_started(j, RT_FAILED, excuse);
    rt_job_drop(j);
  }
}

/* Those who wait for room will find that there is no worker. */
static void dismiss_waiting(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_waiter_call_all(&s->space_waiters, 0);
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
  for (int i = 0; i < s->config.slots; i++) lock_queue(s, &s->slots[i].queue);
  if (!rt_load(&s->stopping)) dismiss_waiting(s); /* else they are cancelled anyway */
}

void rt_slot_detach(rt_slot *slot) {
  rt_lock_take(&slot->queue.lock);
  slot->queue.owner = NULL;
  rt_lock_give(&slot->queue.lock);
  rt_and(word_of(slot), ~bit_of(slot));
}

void rt_slot_end(rt_slot *slot) {
  rt_sched *s = slot->sched;
  bool last = true;
  lock_queue(s, &slot->pinned);
  rt_lock_take(&s->lock);
  slot->state = RT_SLOT_ENDED;
  for (int i = 0; i < s->config.slots; i++) last = last && s->slots[i].state != RT_SLOT_STARTED;
  rt_lock_give(&s->lock);
  if (last) lock_up(s);
  rt_runtime_thread_ended(s->config.runtime);
  rt_runtime_post(s->config.runtime, &slot->ended_post);
}

/* --- submitting ------------------------------------------------------------------------------------ */
static int load_of(rt_slot *slot) {
  return rt_runq_count(&slot->queue) + rt_load_relaxed(&slot->load);
}

static rt_slot *least_loaded(rt_sched *s) {
  int n = rt_load_relaxed(&s->started), at = (int)(rt_add(&s->next_queue, 1) % (unsigned)n);
  rt_slot *best = &s->slots[at];
  int least = load_of(best);
  for (int i = 1; i < n && least > 0; i++) {
    rt_slot *slot = &s->slots[(at + i) % n];
    int load = load_of(slot);
    if (load >= least) continue;
    best = slot;
    least = load;
  }
  return best;
}

/* The queue is closed: for the end, or as there is no thread for it. */
static int why_closed(rt_sched *s) { return rt_load(&s->stopping) ? UV_ECANCELED : UV_ENXIO; }

int rt_sched_submit(rt_sched *s, rt_job *j, rt_slot *own) {
  int taken = rt_load_relaxed(&s->started);
  if (rt_load(&s->stopping)) return UV_ECANCELED;
  if (rt_load_relaxed(&s->queued) >= s->config.queue_max) return UV_EAGAIN;
  rt_slot *slot = own ? own : least_loaded(s);
  rt_add(&s->queued, 1);
  int err = rt_runq_put(&slot->queue, j);
  if (err != 0) {
    rt_sub(&s->queued, 1);
    return err == UV_ECANCELED ? why_closed(s) : err;
  }
  /* after the job is there; see rt_slot_enter_idle */
  if (!wake_one(s, slot) && taken < s->config.slots) take_seat(s, taken);
  return 0;
}

/* So many slots that this one has a thread. */
static int take_seats_up_to(rt_sched *s, int number) {
  int err = 0;
  while (err == 0 && rt_load_relaxed(&s->started) <= number) err = take_seat(s, number);
  return err;
}

int rt_sched_submit_to(rt_sched *s, rt_job *j, int number) {
  rt_slot *slot = &s->slots[number];
  int err = take_seats_up_to(s, number);
  if (err != 0) return err;
  rt_add(&s->queued, 1);
  if ((err = rt_runq_put(&slot->pinned, j)) != 0) {
    rt_sub(&s->queued, 1);
    return err == UV_ECANCELED ? why_closed(s) : err;
  }
  wake_seat(slot); /* after the job is there */
  return 0;
}

bool rt_sched_await_space(rt_sched *s, rt_waiter *t, bool again) {
  rt_lock_take(&s->lock);
  bool room = rt_load(&s->queued) < s->config.queue_max;
  if (!room) rt_waiter_enqueue(t, again ? s->space_waiters.next : &s->space_waiters, &s->lock);
  rt_lock_give(&s->lock);
  return room;
}

void rt_sched_notify_space(rt_sched *s) {
  rt_lock_take(&s->lock);
  bool room = rt_load(&s->queued) < s->config.queue_max;
  rt_waiter *t = room ? rt_waiter_next(&s->space_waiters, NULL) : NULL;
  if (t) rt_waiter_call(t, 0);
  rt_lock_give(&s->lock);
}

/* --- taking ------------------------------------------------------------------------------------------- */
static void make_room(rt_sched *s) {
  rt_sub(&s->queued, 1);
  if (s->config.queue_max != INT_MAX) rt_sched_notify_space(s);
}

static rt_job *taken(rt_slot *slot, rt_job *j) {
  rt_sched *s = slot->sched;
  make_room(s);
  /* what is left may be for somebody who sleeps */
  if (rt_runq_count(&slot->queue) > 0) wake_one(s, slot);
  return j;
}

/* Each says what it does, and then looks at what the other does. */
static int steal_from(rt_slot *slot, rt_runq *q) {
  rt_sched *s = slot->sched;
  rt_add(&s->stealing, 1);
  int stolen = rt_load(&s->steal_pauses) == 0 ? rt_runq_steal(q, &slot->queue) : 0;
  rt_sub(&s->stealing, 1);
  return stolen;
}

void rt_sched_pause_stealing(rt_sched *s) {
  rt_add(&s->steal_pauses, 1);
  while (rt_load(&s->stealing) > 0) rt_thread_yield();
}

void rt_sched_resume_stealing(rt_sched *s) { rt_sub(&s->steal_pauses, 1); }

static bool steal(rt_slot *slot) {
  rt_sched *s = slot->sched;
  int n = rt_load(&s->started);
  for (int i = 1; i < n; i++) {
    rt_runq *q = &s->slots[(slot->number + i) % n].queue;
    int stolen = rt_runq_count(q) > 0 ? steal_from(slot, q) : 0;
    if (stolen == 0) continue;
    rt_count(&slot->counts, RT_COUNT_STOLEN, (uint64_t)stolen);
    return true;
  }
  return false;
}

rt_job *rt_sched_take(rt_slot *slot, bool may_steal) {
  rt_job *j = rt_runq_take(&slot->pinned);
  if (j != NULL) return taken(slot, j);
  if (rt_chaos_strikes(RT_CHAOS_STEAL)) steal(slot);
  if ((j = rt_runq_take(&slot->queue)) != NULL) return taken(slot, j);
  while (may_steal && steal(slot))
    if ((j = rt_runq_take(&slot->queue)) != NULL) return taken(slot, j);
  return NULL;
}

/* --- is there anything left to do? ------------------------------------------------------------------- */
void rt_sched_each_worker(rt_sched *s, void (*f)(rt_slot *, rt_driver *, void *), void *arg) {
  for (int i = 0; i < rt_load(&s->started); i++) {
    rt_slot *slot = &s->slots[i];
    rt_lock_take(&slot->queue.lock);
    if (slot->queue.owner) f(slot, slot->queue.owner, arg);
    rt_lock_give(&slot->queue.lock);
  }
}

typedef struct glance {
  bool quiet; /* no post */
  bool busy;  /* every worker has a task */
} glance;

static void look_at(rt_slot *slot, rt_driver *d, void *arg) {
  glance *g = arg;
  if (!rt_mailbox_is_quiet(&d->mailbox)) g->quiet = false;
  if (rt_load_relaxed(&slot->load) == 0) g->busy = false;
}

/* A worker that runs one job at a time takes no other while that one waits. */
bool rt_sched_is_quiescent(rt_sched *s) {
  glance g = {true, s->config.exclusive && rt_load(&s->started) == s->config.slots};
  rt_sched_each_worker(s, look_at, &g);
  return g.quiet && (g.busy || rt_load(&s->queued) == 0);
}

/* --- stopping ------------------------------------------------------------------------------------------- */
void rt_sched_stop(rt_sched *s) {
  rt_lock_take(&s->lock);
  bool first = !rt_swap(&s->stopping, true);
  rt_lock_give(&s->lock);
  if (!first) return;
  for (int i = 0; i < rt_load(&s->started); i++) {
    rt_slot *slot = &s->slots[i];
    rt_lock_take(&slot->queue.lock);
    tell_to_stop_locked(slot); /* one that is not up yet will see it then */
    rt_lock_give(&slot->queue.lock);
  }
}

int rt_sched_live(rt_sched *s) {
  int n = 0;
  rt_lock_take(&s->lock);
  for (int i = 0; i < s->config.slots; i++) n += s->slots[i].state == RT_SLOT_STARTED;
  rt_lock_give(&s->lock);
  return n;
}

void rt_sched_close(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_sched *peer = s->peer;
  s->peer = NULL;
  rt_lock_give(&s->lock);
  if (peer) rt_sched_drop(peer);
  for (int i = 0; i < rt_load(&s->started); i++) {
    rt_slot *slot = &s->slots[i];
    rt_lock_take(&s->lock);
    bool left = slot->state == RT_SLOT_ENDED;
    rt_lock_give(&s->lock);
    if (left)
      rt_thread_join(slot->thread);
    else
      rt_thread_detach(slot->thread); /* it does not come back from C */
  }
  rt_sched_drop(s);
}
