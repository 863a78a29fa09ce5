/* A job that was queued starts, fails or is cancelled, even if threads and workers cannot be had.
** This continues the argument of sched.c, and is checked by the same models:
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
*/
#include "sched/slot.h"

#include <stdio.h>

#define RETRY_PAUSE (100 * RT_MILLISECOND)
#define START_PAUSED UV_EALREADY /* no start is tried, as one has failed a moment ago */

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
  slot->failures = s->failures;
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

rt_slot *rt_slot_find_empty(rt_sched *s) {
  for (int i = 0; i < s->config.slots; i++)
    if (s->slots[i].state == RT_SLOT_EMPTY) return &s->slots[i];
  return NULL;
}

static void note_failure_locked(rt_sched *s) {
  s->failures++;
  s->retry_at = rt_clock() + RETRY_PAUSE;
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
  rt_slot *slot = rt_load_relaxed(&s->live) <= live ? rt_slot_find_empty(s) : NULL;
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

int rt_sched_live(rt_sched *s) {
  int n = 0;
  rt_lock_take(&s->lock);
  for (int i = 0; i < s->config.slots; i++) n += s->slots[i].state == RT_SLOT_STARTED;
  rt_lock_give(&s->lock);
  return n;
}

/* --- attaching a worker ----------------------------------------------------------------------- */
void rt_slot_post_stop(rt_slot *slot) {
  if (slot->queue.owner == NULL || slot->stop_posted) return;
  slot->stop_posted = true;
  rt_mailbox_post(&slot->queue.owner->mailbox, &slot->stop_post);
}

/* A worker whose thread was started before the last failure does not tell that others can be made
** again. */
void rt_slot_attach(rt_slot *slot, rt_driver *d) {
  rt_sched *s = slot->sched;
  rt_lock_take(&s->lock);
  if (slot->failures == s->failures) s->retry_at = 0;
  rt_lock_give(&s->lock);
  rt_lock_take(&slot->queue.lock);
  slot->queue.owner = d;
  if (rt_load(&s->stopping)) rt_slot_post_stop(slot);
  rt_lock_give(&slot->queue.lock);
}

bool rt_slot_is_attached(rt_slot *slot) {
  rt_lock_take(&slot->queue.lock);
  bool attached = slot->queue.owner != NULL;
  rt_lock_give(&slot->queue.lock);
  return attached;
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
  snprintf(why, sizeof why, "%s: %s", rt_system_error_name(err), rt_system_error_text(err));
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
  if (err != START_PAUSED) note_failure_locked(s);
  if (is_due) s->retry_is_due = true;
  rt_lock_give(&s->lock);
  if (is_due) rt_runtime_post(s->config.runtime, &s->retry_post);
  if (is_first)
    fprintf(stderr, "rt: a worker could not be started: %s: %s\n", rt_system_error_name(err),
            rt_system_error_text(err));
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

void rt_slot_init_retry(rt_sched *s) {
  s->retry_post.deliver = on_retry_post;
  rt_timer_call_init(&s->retry, on_retry);
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
    note_failure_locked(s);
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

/* --- a thread for a job ----------------------------------------------------------------------- */
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

void rt_slot_start_for_job(rt_sched *s) {
  int err = start_slot(s, s->config.slots);
  if (err == 0) return;
  if (err != START_PAUSED && rt_load(&s->live) == 0)
    fail_queued_jobs(s, err);
  else if (err != UV_ECANCELED)
    try_later(s, err);
}

void rt_slot_fail_pinned_jobs(rt_slot *slot, int err) {
  rt_sched *s = slot->sched;
  rt_list jobs;
  rt_list_init(&jobs);
  rt_lock_take(&s->lock);
  if (slot->state == RT_SLOT_EMPTY) empty_queue(s, &slot->pinned, &jobs);
  rt_lock_give(&s->lock);
  end_jobs(s, &jobs, keep_error_text(err));
}
