/* No job stays in a queue while every worker that could take it sleeps. The argument, whose parts
** the models spec/model/sched.c and spec/model/sched_full.c check in all schedules up to a bound
** (slot.c has the parts about threads that are started and workers that cannot be made):
**
** Parking against submitting. A worker and a submitter each write first and then read:
**
**   worker                                      submitter
**   1. sets its idle bit (enter_idle)           1. puts the job into a queue
**   2. reads the counts of all queues           2. reads the idle bits (wake_one)
**   3. parks, unless it has seen a job          3. clears one bit and rings that worker's driver
**
** All four accesses are sequentially consistent, so at least one side sees what the other has
** written. If the submitter sees no idle bit, then every attached worker reads the queues after the
** job was put, and before it parks. If it clears a bit, it rings even if the worker is still
** between its steps 2 and 3: a driver that was rung does not block (event/driver.h).
**
** One job wakes one worker. Clearing the bit is a compare-and-swap, so each bit wakes once, and a
** worker that is awake is never rung. The wake-up is passed on in two cases:
** - The woken worker is busy (rt_slot_leave_idle): other events have made tasks ready meanwhile.
**   The submitter has woken no other worker for the job, so this one wakes another idle worker.
** - A worker has taken a job and its queue has more (after_take).
** While a thief holds jobs that are in no queue, a parking worker may miss them. That is harmless:
** the thief is awake, takes one of them, and wakes an idle worker for the rest. A worker that hands
** jobs over is awake, too, and wakes a worker for them.
**
** Declining. A worker that has nothing to run, but more tasks than the worker whose queue has jobs,
** may leave them there (balance.h). Then it parks with a timer, and reads the queues again after a
** millisecond at the latest. So the jobs do not rely on the other worker, which may be blocked.
**
** Stopping. 'stopping' is set under the lock of the scheduler, so a thread that is started is
** either among 'started' when rt_sched_stop posts to all slots, or not started at all. A slot that
** has no driver yet is skipped, and sees 'stopping' in rt_slot_attach (slot.c); the lock of its
** queue orders the two. A job that is put before the last worker closes the queue is cancelled by
** that worker; one that comes later is refused. So every job starts once or is cancelled. The
** queue that gets jobs from a worker that hands them over is open, since that worker has not ended.
**
** Stealing against pausing. A thief increments 'stealing' and then reads 'steal_pauses'; a thread
** that reads all queues increments 'steal_pauses' and then waits until 'stealing' is 0. Again at
** least one sees the other: the thief leaves the queues alone, or the reader waits for it. (No
** model.)
**
** Waiting for space. A worker that takes a job decrements 'queued' and then checks the waiters,
** under the lock; a task that waits reads 'queued' again under the lock before its waiter is
** queued. So it sees the space, or its waiter is seen.
*/
#include "sched/sched.h"

#include "sched/balance.h"

#include <limits.h>

/* --- life of a scheduler ---------------------------------------------------------------------- */
static void close_queues(rt_slot *slot) {
  rt_runq_close(&slot->queue);
  rt_runq_close(&slot->pinned);
}

static void free_sched(rt_shared *shared) {
  rt_sched *s = rt_containerof(shared, rt_sched, shared);
  for (int i = 0; i < s->config.slots; i++) close_queues(&s->slots[i]);
  if (s->config.free_worker_config) s->config.free_worker_config(s->config.worker_config);
  rt_runtime_drop(s->config.runtime);
  rt_shared_delete(shared, &s->lock);
}

static const rt_shared_kind sched_kind = {.name = "scheduler", .free = free_sched};

static bool init_queues(rt_slot *slot) {
  if (rt_runq_init(&slot->queue) != 0) return false;
  if (rt_runq_init(&slot->pinned) == 0) return true;
  rt_runq_close(&slot->queue);
  return false;
}

static bool init_slots(rt_sched *s) {
  for (int i = 0; i < s->config.slots; i++) {
    rt_slot *slot = &s->slots[i];
    slot->sched = s;
    slot->number = i;
    slot->stop_post.deliver = s->config.on_stop;
    slot->collect_post.deliver = s->config.on_collect;
    slot->ended_post.deliver = s->config.on_ended;
    rt_balance_init(slot);
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
  rt_slot_init_retry(s);
  rt_list_init(&s->space_waiters);
  if (init_slots(s)) return s;
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

/* --- idle workers ----------------------------------------------------------------------------- */
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

bool rt_sched_would_take(rt_slot *slot) {
  rt_sched *s = slot->sched;
  int n = rt_load(&s->started);
  if (rt_load(&slot->pinned.count) > 0) return true;
  for (int i = 0; i < n; i++) {
    rt_slot *from = &s->slots[i];
    if (rt_load(&from->queue.count) > 0 && (from == slot || rt_balance_may_steal(slot, from) > 0))
      return true;
  }
  return false;
}

/* False: the slot is not idle. */
static bool wake_slot(rt_slot *slot) {
  uint64_t before = rt_load(word_of(slot)), bit = bit_of(slot);
  do {
    if (!(before & bit)) return false;
  } while (!rt_cas(word_of(slot), &before, before & ~bit));
  rt_chaos_delay();
  rt_lock_take(&slot->queue.lock); /* its driver is not closed meanwhile */
  if (slot->queue.owner) rt_driver_ring(slot->queue.owner);
  rt_lock_give(&slot->queue.lock);
  return true;
}

/* Wakes one idle worker, that of 'best' if it is idle. False: none is. */
static bool wake_one(rt_sched *s, rt_slot *best) {
  if (wake_slot(best)) return true;
  for (size_t word = 0; word < rt_countof(s->idle); word++) {
    uint64_t idle;
    while ((idle = rt_load(&s->idle[word])) != 0)
      if (wake_slot(&s->slots[word * 64 + (size_t)__builtin_ctzll(idle)])) return true;
  }
  return false;
}

bool rt_slot_enter_idle(rt_slot *slot) {
  rt_or(word_of(slot), bit_of(slot));
  rt_chaos_delay();
  if (rt_sched_would_take(slot)) {
    rt_slot_leave_idle(slot, false);
    return false;
  }
  rt_balance_before_park(slot, rt_sched_has_job(slot));
  return true;
}

void rt_slot_leave_idle(rt_slot *slot, bool busy) {
  uint64_t bit = bit_of(slot);
  rt_balance_after_park(slot);
  bool idle = rt_load(word_of(slot)) & bit, woken = !idle || !(rt_and(word_of(slot), ~bit) & bit);
  /* the thread that cleared the bit has woken no worker but this one for its job */
  if (woken && busy && rt_sched_has_job(slot)) wake_one(slot->sched, slot);
}

void rt_slot_detach(rt_slot *slot) {
  rt_lock_take(&slot->queue.lock);
  slot->queue.owner = NULL;
  rt_lock_give(&slot->queue.lock);
  rt_and(word_of(slot), ~bit_of(slot));
}

/* --- submitting ------------------------------------------------------------------------------- */
/* ('queued' may exceed its bound by the number of threads that submit at once, which is harmless.
** The queues are closed only when the scheduler stops. Relaxed: 'live' is compared again under the
** lock; if no worker was left when the job was put, the lock of the queue has ordered that.) */
int rt_sched_submit(rt_sched *s, rt_job *j, rt_slot *own) {
  if (rt_load(&s->stopping)) return UV_ECANCELED;
  if (rt_load_relaxed(&s->queued) >= s->config.queue_max) return UV_EAGAIN;
  rt_slot *slot = own ? own : rt_balance_least_loaded(s);
  rt_add(&s->queued, 1);
  int err = rt_runq_put(&slot->queue, j);
  if (err != 0) {
    rt_sub(&s->queued, 1);
    return err;
  }
  if (!wake_one(s, slot) && rt_load_relaxed(&s->live) < s->config.slots) rt_slot_start_for_job(s);
  return 0;
}

/* (The second start is for a slot whose worker could not be made after the first: if it has failed
** before the job was put, no other thread would take the job. If that does not help either, the job
** fails.) */
int rt_sched_submit_to(rt_sched *s, rt_job *j, int number) {
  rt_slot *slot = &s->slots[number];
  int err = rt_sched_start_slots(s, number + 1);
  if (err != 0) return err;
  rt_add(&s->queued, 1);
  if ((err = rt_runq_put(&slot->pinned, j)) != 0) {
    rt_sub(&s->queued, 1);
    return err;
  }
  if (wake_slot(slot)) return 0;
  err = rt_sched_start_slots(s, number + 1);
  if (err != 0 && err != UV_ECANCELED) rt_slot_fail_pinned_jobs(slot, err);
  return 0;
}

bool rt_sched_await_space(rt_sched *s, rt_waiter *waiter, bool again) {
  rt_lock_take(&s->lock);
  bool has_space = rt_load(&s->queued) < s->config.queue_max;
  if (!has_space)
    rt_waiter_enqueue(waiter, again ? s->space_waiters.next : &s->space_waiters, &s->lock);
  rt_lock_give(&s->lock);
  return has_space;
}

void rt_sched_notify_space(rt_sched *s) {
  rt_lock_take(&s->lock);
  bool has_space = rt_load(&s->queued) < s->config.queue_max;
  rt_waiter *waiter = has_space ? rt_waiter_next(&s->space_waiters) : NULL;
  if (waiter) rt_waiter_call(waiter, 0);
  rt_lock_give(&s->lock);
}

/* --- taking and stealing ---------------------------------------------------------------------- */
static void free_space(rt_sched *s) {
  rt_sub(&s->queued, 1);
  if (s->config.queue_max != INT_MAX) rt_sched_notify_space(s);
}

static rt_job *after_take(rt_slot *slot, rt_job *j) {
  rt_sched *s = slot->sched;
  free_space(s);
  if (rt_runq_count(&slot->queue) > 0) wake_one(s, slot);
  return j;
}

/* Moves at most 'max' jobs from one queue to another. */
static int move_jobs(rt_sched *s, rt_slot *from, rt_slot *to, int max) {
  rt_add(&s->stealing, 1);
  int moved = rt_load(&s->steal_pauses) == 0 ? rt_runq_steal(&from->queue, &to->queue, max) : 0;
  rt_sub(&s->stealing, 1);
  return moved;
}

void rt_sched_pause_stealing(rt_sched *s) {
  rt_add(&s->steal_pauses, 1);
  while (rt_load(&s->stealing) > 0) rt_thread_yield();
}

void rt_sched_resume_stealing(rt_sched *s) { rt_sub(&s->steal_pauses, 1); }

static bool steal_from(rt_slot *slot, rt_slot *from, int max) {
  int stolen = move_jobs(slot->sched, from, slot, max);
  rt_counters_add(&slot->counts, RT_COUNT_STOLEN, (uint64_t)stolen);
  return stolen > 0;
}

static bool steal_any(rt_slot *slot, bool always) {
  rt_sched *s = slot->sched;
  int n = rt_load(&s->started);
  for (int i = 1; i < n; i++) {
    rt_slot *from = &s->slots[(slot->number + i) % n];
    if (rt_runq_count(&from->queue) == 0) continue;
    int max = always ? INT_MAX : rt_balance_may_steal(slot, from);
    if (max > 0 && steal_from(slot, from, max)) return true;
  }
  return false;
}

static void steal_from_stuck(rt_slot *slot) {
  rt_slot *from = rt_balance_stuck_slot(slot, slot->queue.owner->polled);
  if (rt_unlikely(from != NULL)) steal_from(slot, from, INT_MAX);
}

static void hand_over(rt_slot *slot) {
  int jobs;
  rt_slot *other = rt_balance_better_slot(slot, &jobs);
  if (other && move_jobs(slot->sched, slot, other, jobs) > 0) wake_one(slot->sched, other);
}

static rt_job *take_own(rt_slot *slot) {
  rt_job *j = rt_runq_take(&slot->queue);
  return j ? after_take(slot, j) : NULL;
}

rt_job *rt_sched_take(rt_slot *slot, bool may_steal) {
  rt_job *j = rt_runq_take(&slot->pinned);
  if (j != NULL) return after_take(slot, j);
  if (rt_chaos_is_due(RT_CHAOS_STEAL)) steal_any(slot, true);
  if (!may_steal) steal_from_stuck(slot);
  if (rt_runq_count(&slot->queue) > 0) hand_over(slot);
  if ((j = take_own(slot)) != NULL) return j;
  while (may_steal && steal_any(slot, false))
    if ((j = take_own(slot)) != NULL) return j;
  return NULL;
}

/* --- is there anything left to do? ------------------------------------------------------------ */
/* A worker of an exclusive scheduler takes no job while it has a task: if all slots have one,
** queued jobs can start only after one of these tasks has been resumed and has ended. (Relaxed:
** each worker has stored its load before it left the active threads, which is sequentially
** consistent, and the caller has read that all of them have.) */
bool rt_sched_is_asleep(rt_sched *s) {
  bool all_asleep = true;              /* the mailboxes of all workers are asleep */
  bool all_busy = s->config.exclusive; /* every slot has a worker, and every worker has a task */
  rt_lock_take(&s->lock);
  if (rt_slot_find_empty(s) != NULL) all_busy = false;
  rt_lock_give(&s->lock);
  for (int i = 0; i < rt_load(&s->started); i++) {
    rt_slot *slot = &s->slots[i];
    rt_lock_take(&slot->queue.lock); /* its driver is not closed meanwhile */
    rt_driver *d = slot->queue.owner;
    if (d && !rt_mailbox_is_asleep(&d->mailbox)) all_asleep = false;
    if (d && rt_load_relaxed(&slot->load) == 0) all_busy = false;
    rt_lock_give(&slot->queue.lock);
  }
  return all_asleep && (all_busy || rt_load(&s->queued) == 0);
}

/* --- collecting garbage ----------------------------------------------------------------------- */
static void post_collect_locked(rt_slot *slot) {
  if (slot->queue.owner == NULL || slot->collect_posted) return;
  slot->collect_posted = true;
  rt_mailbox_post(&slot->queue.owner->mailbox, &slot->collect_post);
}

void rt_sched_collect(rt_sched *s) {
  for (int i = 0; i < rt_load(&s->started); i++) {
    rt_slot *slot = &s->slots[i];
    rt_lock_take(&slot->queue.lock);
    post_collect_locked(slot);
    rt_lock_give(&slot->queue.lock);
  }
}

rt_slot *rt_slot_collect_received(rt_post *p) {
  rt_slot *slot = rt_containerof(p, rt_slot, collect_post);
  rt_lock_take(&slot->queue.lock);
  slot->collect_posted = false;
  rt_lock_give(&slot->queue.lock);
  return slot;
}

/* (Relaxed: a worker has counted before it left the active threads, which is sequentially
** consistent.) */
uint64_t rt_sched_resumes(rt_sched *s) {
  uint64_t n = 0;
  for (int i = 0; i < rt_load(&s->started); i++)
    n += rt_load_relaxed(&s->slots[i].counts.of[RT_COUNT_RESUMES]);
  return n;
}

/* --- stopping --------------------------------------------------------------------------------- */
void rt_sched_stop(rt_sched *s) {
  rt_lock_take(&s->lock);
  bool first = !rt_swap(&s->stopping, true);
  rt_lock_give(&s->lock);
  if (!first) return;
  rt_timer_remove(&s->retry.timer);
  for (int i = 0; i < rt_load(&s->started); i++) {
    rt_slot *slot = &s->slots[i];
    rt_lock_take(&slot->queue.lock);
    rt_slot_post_stop(slot);
    rt_lock_give(&slot->queue.lock);
  }
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
    rt_slot_state state = slot->state;
    rt_lock_give(&s->lock);
    if (state == RT_SLOT_ENDED)
      rt_thread_join(slot->thread);
    else if (state == RT_SLOT_STARTED)
      rt_thread_detach(slot->thread); /* it is in a C call that does not return */
  }
  rt_sched_drop(s);
}
