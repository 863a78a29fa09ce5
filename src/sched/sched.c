/* No job stays in a queue while every worker that could take it sleeps. The argument, whose parts
** the models spec/model/sched.c and spec/model/sched_full.c check in all schedules up to a bound:
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
** the thief is awake, takes one of them, and wakes an idle worker for the rest.
**
** Starting a thread. If no worker is idle and a slot is empty, the submitter starts a thread for
** its job, even if another thread has been started a moment before: that one may take another job,
** and block in it. The lock of the scheduler is held from the check until 'started' includes the
** new slot, and the new thread passes through that lock first. Otherwise its own reads of 'started'
** might leave out its own slot: rt_sched_has_job would see a job in slot 0 which steal_any,
** computing modulo 'started', would never reach, and the worker would spin.
**
** A worker that cannot be made. Its slot becomes empty again. If it was the last worker, its thread
** takes the jobs of all queues, which fail. A submitter may put a job at that moment:
**
**   the thread that ends (rt_slot_fail)         submitter
**   1. under the lock of the scheduler:         1. puts the job into a queue
**      decrements 'live', and takes the jobs    2. reads 'live', and starts a thread if none
**      of each queue, under its lock               is left; or takes the jobs of all queues
**
** If the job is put after the queue was emptied, the two critical sections of that queue order the
** accesses: the submitter sees that no worker is left. So every job starts or fails. The jobs are
** taken under the lock of the scheduler, so they are not those for which another thread has been
** started meanwhile.
**
** A thread that cannot be had, while other workers are left. They may be blocked, so the job does
** not rely on them: the main worker tries again to start threads, every 100 ms, for as long as jobs
** are queued and slots are empty (try_later). After a failure in rt_slot_fail:
**
**   the thread that ends (rt_slot_fail)         submitter
**   1. decrements 'live'                        1. increments 'queued'
**   2. reads 'queued', and has the main         2. reads 'live', and starts a thread if a slot
**      worker try later if it is not 0             is empty; or has the main worker try later
**
** All four accesses are sequentially consistent, so at least one side sees what the other has
** written.
**
** Stopping. 'stopping' is set under the lock of the scheduler, so a thread that is started is
** either among 'started' when rt_sched_stop posts to all slots, or not started at all. A slot that
** has no driver yet is skipped, and sees 'stopping' in rt_slot_attach; the lock of its queue orders
** the two. A job that is put before the last worker closes the queue is cancelled by that worker;
** one that comes later is refused. So every job starts once or is cancelled.
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

#include <limits.h>
#include <stdio.h>

#define RETRY_PAUSE (100 * RT_MILLISECOND)
#define START_PAUSED UV_EALREADY /* no start is tried, as one has failed a moment ago */

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
    if (!init_queues(slot)) {
      while (i-- > 0) close_queues(&s->slots[i]);
      return false;
    }
  }
  return true;
}

static void on_retry_post(rt_post *p, void *driver);
static void on_retry(rt_timer_call *call);

rt_sched *rt_sched_new(const rt_sched_config *config) {
  size_t size = sizeof(rt_sched) + (size_t)config->slots * sizeof(rt_slot);
  rt_sched *s = rt_shared_new(size, offsetof(rt_sched, lock), &sched_kind);
  if (s == NULL) return NULL;
  s->config = *config;
  if (s->config.queue_max == 0) s->config.queue_max = INT_MAX;
  s->retry_post.deliver = on_retry_post;
  rt_timer_call_init(&s->retry, on_retry);
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

/* --- starting threads ------------------------------------------------------------------------- */
/* Returns when 'started' includes this thread's slot (see "Starting a thread" above). */
static void await_starter(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_lock_give(&s->lock);
}

static void slot_main(void *arg) {
  rt_slot *slot = arg;
  rt_sched *s = slot->sched;
  await_starter(s);
  bool in_virtual_time = slot->in_virtual_time; /* (rt_slot_fail gives the slot away) */
  if (in_virtual_time) rt_vtime_await(&slot->vthread);
  s->config.run_worker(slot);
  if (in_virtual_time) rt_vtime_leave(&slot->vthread);
  rt_sched_drop(s);
}

/* 0, or why no thread could be started. (Relaxed: 'started' changes only under the lock.) */
static int start_slot_locked(rt_sched *s, rt_slot *slot) {
  int err;
  rt_sched_hold(s);
  rt_active_threads_enter(&s->config.runtime->active);
  slot->state = RT_SLOT_STARTED;
  slot->in_virtual_time = rt_vtime_join(&slot->vthread);
  if ((err = rt_thread_start(&slot->thread, s->config.stack, slot_main, slot)) != 0) {
    if (slot->in_virtual_time) rt_vtime_withdraw(&slot->vthread);
    slot->state = RT_SLOT_EMPTY;
    rt_active_threads_leave(&s->config.runtime->active); /* (not the last: this thread is active) */
    rt_sched_drop(s);
    return err;
  }
  if (slot->number >= rt_load_relaxed(&s->started)) rt_store(&s->started, slot->number + 1);
  rt_add(&s->live, 1);
  return 0;
}

static rt_slot *find_empty_locked(rt_sched *s) {
  for (int i = 0; i < s->config.slots; i++)
    if (s->slots[i].state == RT_SLOT_EMPTY) return &s->slots[i];
  return NULL;
}

/* While other workers are left, no start is tried if one has failed a moment ago. */
static bool is_paused_locked(rt_sched *s) {
  return s->retry_at != 0 && rt_load(&s->live) > 0 && rt_clock() < s->retry_at;
}

/* Starts the thread of the next slot, unless more than this many workers are left. 0;
** UV_ECANCELED: the scheduler is stopping; START_PAUSED; or why no thread could be started.
** (Relaxed: 'live' grows only under the lock.) */
static int start_slot(rt_sched *s, int live) {
  int err = 0;
  rt_lock_take(&s->lock);
  rt_slot *slot = rt_load_relaxed(&s->live) <= live ? find_empty_locked(s) : NULL;
  if (rt_load(&s->stopping))
    err = UV_ECANCELED;
  else if (slot != NULL)
    err = is_paused_locked(s) ? START_PAUSED : start_slot_locked(s, slot);
  rt_lock_give(&s->lock);
  return err;
}

/* (Relaxed: an old 0 is read again under the lock; if the last worker has ended a moment ago, the
** submitter finds that out after it has put its job.) */
int rt_sched_start(rt_sched *s) {
  return rt_likely(rt_load_relaxed(&s->live) > 0) ? 0 : start_slot(s, 0);
}

int rt_sched_start_slots(rt_sched *s, int count) {
  int err = 0;
  rt_lock_take(&s->lock);
  if (rt_load(&s->stopping)) err = UV_ECANCELED;
  for (int i = 0; err == 0 && i < count; i++)
    if (s->slots[i].state == RT_SLOT_EMPTY) err = start_slot_locked(s, &s->slots[i]);
  rt_lock_give(&s->lock);
  return err;
}

/* --- idle workers ----------------------------------------------------------------------------- */
static void post_stop_locked(rt_slot *slot) {
  if (slot->queue.owner == NULL || slot->stop_posted) return;
  slot->stop_posted = true;
  rt_mailbox_post(&slot->queue.owner->mailbox, &slot->stop_post);
}

void rt_slot_attach(rt_slot *slot, rt_driver *d) {
  rt_sched *s = slot->sched;
  rt_lock_take(&s->lock);
  s->retry_at = 0;
  rt_lock_give(&s->lock);
  rt_lock_take(&slot->queue.lock);
  slot->queue.owner = d;
  if (rt_load(&s->stopping)) post_stop_locked(slot);
  rt_lock_give(&slot->queue.lock);
}

bool rt_slot_is_attached(rt_slot *slot) {
  rt_lock_take(&slot->queue.lock);
  bool attached = slot->queue.owner != NULL;
  rt_lock_give(&slot->queue.lock);
  return attached;
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
  if (!rt_sched_has_job(slot)) return true;
  rt_slot_leave_idle(slot, false);
  return false;
}

void rt_slot_leave_idle(rt_slot *slot, bool busy) {
  uint64_t bit = bit_of(slot);
  bool idle = rt_load(word_of(slot)) & bit, woken = !idle || !(rt_and(word_of(slot), ~bit) & bit);
  /* the thread that cleared the bit has woken no worker but this one for its job */
  if (woken && busy && rt_sched_has_job(slot)) wake_one(slot->sched, slot);
}

/* --- a worker ends ---------------------------------------------------------------------------- */
/* The text of a job that failed since no worker could be made: it stays valid for ever, since the
** job may outlive the scheduler. The texts differ by the reason only; should there be many, the
** last ones are told by stderr alone. */
static const char *keep_text(const char *why) {
  static struct {
    rt_lock lock;
    char text[16][160]; /* under the lock, as 'count'; a text does not change */
    size_t count;
  } kept = {.lock = RT_LOCK_INIT};
  char text[sizeof kept.text[0]];
  snprintf(text, sizeof text, "no worker could be started: %s", why);
  rt_lock_take(&kept.lock);
  size_t i = 0;
  while (i < kept.count && strcmp(kept.text[i], text) != 0) i++;
  if (i == kept.count && i < rt_countof(kept.text)) strcpy(kept.text[kept.count++], text);
  rt_lock_give(&kept.lock);
  return i < rt_countof(kept.text) ? kept.text[i] : "no worker could be started (stderr says why)";
}

static const char *keep_error_text(int err) {
  char why[120];
  snprintf(why, sizeof why, "%s: %s", uv_err_name(err), uv_strerror(err));
  return keep_text(why);
}

/* Moves the jobs of the queue to the list. */
static void empty_queue(rt_sched *s, rt_runq *q, rt_list *jobs) {
  rt_job *j;
  while ((j = rt_runq_take(q)) != NULL) {
    rt_sub(&s->queued, 1);
    rt_list_append(jobs, &j->link);
  }
}

static void empty_all_queues_locked(rt_sched *s, rt_list *jobs) {
  for (int i = 0; i < s->config.slots; i++) {
    empty_queue(s, &s->slots[i].queue, jobs);
    empty_queue(s, &s->slots[i].pinned, jobs);
  }
}

/* Tasks that wait for space try again. */
static void call_space_waiters(rt_sched *s) {
  rt_lock_take(&s->lock);
  rt_waiter_call_all(&s->space_waiters, 0);
  rt_lock_give(&s->lock);
}

/* The jobs, which were taken from their queues, fail with this error or, if it is NULL, are
** cancelled. */
static void end_jobs(rt_sched *s, rt_list *jobs, const char *error) {
  rt_list *l;
  if (rt_list_is_empty(jobs)) return;
  while ((l = rt_list_take(jobs)) != NULL) {
    rt_job *j = rt_containerof(l, rt_job, link);
    if (error == NULL)
      rt_job_cancel(j, NULL);
    else if (rt_job_begin(j, NULL, NULL)) /* (false: it was cancelled in the queue) */
      rt_job_end_not_started(j, RT_FAILED, error);
    rt_job_drop(j);
  }
  call_space_waiters(s);
}

static void close_queue(rt_sched *s, rt_runq *q) {
  rt_list jobs;
  rt_list_init(&jobs);
  rt_lock_take(&q->lock);
  q->closed = true;
  rt_lock_give(&q->lock);
  empty_queue(s, q, &jobs);
  end_jobs(s, &jobs, NULL);
}

void rt_slot_detach(rt_slot *slot) {
  rt_lock_take(&slot->queue.lock);
  slot->queue.owner = NULL;
  rt_lock_give(&slot->queue.lock);
  rt_and(word_of(slot), ~bit_of(slot));
}

void rt_slot_end(rt_slot *slot) {
  rt_sched *s = slot->sched;
  close_queue(s, &slot->pinned);
  rt_lock_take(&s->lock);
  slot->state = RT_SLOT_ENDED;
  bool last = rt_sub(&s->live, 1) == 1;
  rt_lock_give(&s->lock);
  for (int i = 0; last && i < s->config.slots; i++) close_queue(s, &s->slots[i].queue);
  rt_runtime_thread_ended(s->config.runtime);
  rt_runtime_post(s->config.runtime, &slot->ended_post);
}

/* --- trying again to start threads ------------------------------------------------------------ */
/* Has the main worker start the threads for queued jobs after a pause. The first error is reported,
** until a worker could be made. */
static void try_later(rt_sched *s, int err) {
  rt_lock_take(&s->lock);
  bool is_first = err != START_PAUSED && s->retry_at == 0;
  bool is_due = !s->retry_is_due && !rt_load(&s->stopping);
  if (err != START_PAUSED) s->retry_at = rt_clock() + RETRY_PAUSE;
  if (is_due) s->retry_is_due = true;
  rt_lock_give(&s->lock);
  if (is_due) rt_runtime_post(s->config.runtime, &s->retry_post);
  if (is_first)
    fprintf(stderr, "rt: a worker could not be started: %s: %s\n", uv_err_name(err),
            uv_strerror(err));
}

/* Main worker's thread. */
static void set_retry_timer(rt_sched *s, rt_driver *d) {
  rt_wheel_add(&d->wheel, &s->retry.timer, RT_TIMER_CALL, rt_driver_after(d, RETRY_PAUSE));
}

static void on_retry_post(rt_post *p, void *driver) {
  rt_sched *s = rt_containerof(p, rt_sched, retry_post);
  if (!rt_load(&s->stopping)) set_retry_timer(s, driver);
}

/* (If no worker is left, the jobs that were queued have failed.) */
static void on_retry(rt_timer_call *call) {
  rt_sched *s = rt_containerof(call, rt_sched, retry);
  int err = 0;
  for (int n = 0; err == 0 && n < s->config.slots && n < rt_load(&s->queued); n++)
    err = start_slot(s, s->config.slots);
  rt_lock_take(&s->lock);
  int live = rt_load(&s->live);
  bool is_served = rt_load(&s->queued) == 0 || live == 0 || live == s->config.slots;
  bool again = s->retry_is_due = !is_served && !rt_load(&s->stopping);
  rt_lock_give(&s->lock);
  if (again) set_retry_timer(s, s->config.runtime->main);
}

/* --- a worker that cannot be made ------------------------------------------------------------- */
/* Another thread may be started for the slot as soon as the lock is free, so this one detaches
** itself. (In virtual time no other one is, as that thread would have to wait for this one.) */
bool rt_slot_fail(rt_slot *slot, const char *why) {
  rt_sched *s = slot->sched;
  rt_list jobs;
  rt_list_init(&jobs);
  rt_lock_take(&s->lock);
  bool stopping = rt_load(&s->stopping), first = s->retry_at == 0;
  bool is_empty = !stopping && !slot->in_virtual_time;
  bool last = is_empty && rt_sub(&s->live, 1) == 1;
  if (is_empty) {
    slot->state = RT_SLOT_EMPTY;
    rt_thread_detach(slot->thread);
    s->retry_at = rt_clock() + RETRY_PAUSE;
    empty_queue(s, &slot->pinned, &jobs);
  }
  if (last || (!stopping && slot->in_virtual_time)) empty_all_queues_locked(s, &jobs);
  rt_lock_give(&s->lock);
  end_jobs(s, &jobs, keep_text(why));
  if (!is_empty) {
    rt_slot_end(slot);
    return !stopping;
  }
  if (!last && rt_load(&s->queued) > 0) try_later(s, START_PAUSED);
  rt_runtime_thread_ended(s->config.runtime);
  return first;
}

/* --- submitting ------------------------------------------------------------------------------- */
/* (Relaxed: the numbers only choose a queue. Any choice is correct.) */
static int load_of(rt_slot *slot) {
  return rt_runq_count(&slot->queue) + rt_load_relaxed(&slot->load);
}

/* (Relaxed: an old value of 'started' only leaves out the newest slots.) */
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

/* The jobs that wait for a worker fail if none is left, and none could be had. */
static void fail_queued_jobs(rt_sched *s, int err) {
  rt_list jobs;
  rt_list_init(&jobs);
  rt_lock_take(&s->lock);
  bool stopping = rt_load(&s->stopping);
  if (rt_load(&s->live) == 0) empty_all_queues_locked(s, &jobs);
  rt_lock_give(&s->lock);
  end_jobs(s, &jobs, stopping ? NULL : keep_error_text(err));
}

/* After a job was queued: no worker is idle, so a thread is started if a slot is empty. If that
** fails, another worker may take the job, or a thread is started later; if there is no other
** worker, the job fails. */
static void start_for_job(rt_sched *s) {
  int err = start_slot(s, s->config.slots);
  if (err == 0) return;
  if (err != START_PAUSED && rt_load(&s->live) == 0)
    fail_queued_jobs(s, err);
  else if (err != UV_ECANCELED)
    try_later(s, err);
}

/* ('queued' may exceed its bound by the number of threads that submit at once, which is harmless.
** The queues are closed only when the scheduler stops. Relaxed: 'live' is compared again under the
** lock; if no worker was left when the job was put, the lock of the queue has ordered that.) */
int rt_sched_submit(rt_sched *s, rt_job *j, rt_slot *own) {
  if (rt_load(&s->stopping)) return UV_ECANCELED;
  if (rt_load_relaxed(&s->queued) >= s->config.queue_max) return UV_EAGAIN;
  rt_slot *slot = own ? own : least_loaded(s);
  rt_add(&s->queued, 1);
  int err = rt_runq_put(&slot->queue, j);
  if (err != 0) {
    rt_sub(&s->queued, 1);
    return err;
  }
  if (!wake_one(s, slot) && rt_load_relaxed(&s->live) < s->config.slots) start_for_job(s);
  return 0;
}

/* No thread could be started for the slot. */
static void fail_pinned_jobs(rt_slot *slot, int err) {
  rt_sched *s = slot->sched;
  rt_list jobs;
  rt_list_init(&jobs);
  rt_lock_take(&s->lock);
  if (slot->state == RT_SLOT_EMPTY) empty_queue(s, &slot->pinned, &jobs);
  rt_lock_give(&s->lock);
  end_jobs(s, &jobs, keep_error_text(err));
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
  if (err != 0 && err != UV_ECANCELED) fail_pinned_jobs(slot, err);
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

static bool steal_any(rt_slot *slot) {
  rt_sched *s = slot->sched;
  int n = rt_load(&s->started);
  for (int i = 1; i < n; i++) {
    rt_runq *q = &s->slots[(slot->number + i) % n].queue;
    int stolen = rt_runq_count(q) > 0 ? steal_from(slot, q) : 0;
    if (stolen == 0) continue;
    rt_counters_add(&slot->counts, RT_COUNT_STOLEN, (uint64_t)stolen);
    return true;
  }
  return false;
}

rt_job *rt_sched_take(rt_slot *slot, bool may_steal) {
  rt_job *j = rt_runq_take(&slot->pinned);
  if (j != NULL) return after_take(slot, j);
  if (rt_chaos_is_due(RT_CHAOS_STEAL)) steal_any(slot);
  if ((j = rt_runq_take(&slot->queue)) != NULL) return after_take(slot, j);
  while (may_steal && steal_any(slot))
    if ((j = rt_runq_take(&slot->queue)) != NULL) return after_take(slot, j);
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
  if (find_empty_locked(s) != NULL) all_busy = false;
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
    post_stop_locked(slot);
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
    rt_slot_state state = slot->state;
    rt_lock_give(&s->lock);
    if (state == RT_SLOT_ENDED)
      rt_thread_join(slot->thread);
    else if (state == RT_SLOT_STARTED)
      rt_thread_detach(slot->thread); /* it is in a C call that does not return */
  }
  rt_sched_drop(s);
}
