#include "sched/balance.h"

#include <limits.h>

/* A worker that has nothing to run steals although it has the greater load, if the other one has
** begun no job for the first time, or if there were jobs whenever it looked, for the second. The
** first is two to three times as long as it takes to wake a thread on a busy machine. */
#define PATIENCE RT_MILLISECOND
#define IDLE_PATIENCE (4 * RT_MILLISECOND)
/* A worker that has tasks to run looks at the other queues so often, and steals from a worker that
** has begun no job for the second time: it is stuck in a C function, since a worker that computes
** begins a job at each switch of tasks (run/preempt.c). */
#define LOOK_PERIOD (10 * RT_MILLISECOND)
#define STUCK (20 * RT_MILLISECOND)
/* A worker looks at so many others for one with a smaller load. */
enum { LOOKS = 4 };

/* (Relaxed here and below: the numbers only choose a worker. Any choice is correct, and an old
** value of 'started' only leaves out the newest slots.) */
static int begun_by(rt_slot *slot) { return rt_load_relaxed(&slot->load); }

int rt_balance_load(rt_slot *slot) { return rt_runq_count(&slot->queue) + begun_by(slot); }

/* (Relaxed: see begun_by.) */
rt_slot *rt_balance_least_loaded(rt_sched *s) {
  int n = rt_load_relaxed(&s->started), at = (int)(rt_add(&s->next_queue, 1) % (unsigned)n);
  rt_slot *best = &s->slots[at];
  int least = rt_balance_load(best);
  for (int i = 1; i < n && least > 0; i++) {
    rt_slot *slot = &s->slots[(at + i) % n];
    int load = rt_balance_load(slot);
    if (load >= least) continue;
    best = slot;
    least = load;
  }
  return best;
}

/* --- observing the queue of another worker ---------------------------------------------------- */
static bool has_jobs(rt_slot *slot) { return slot != NULL && rt_runq_count(&slot->queue) > 0; }

/* Of several workers with jobs only one is observed, until it has none. */
static void observe(rt_slot *slot, rt_slot *from) {
  rt_observed *o = &slot->observed;
  unsigned taken = rt_runq_taken(&from->queue);
  if (o->slot == from && o->taken == taken) return;
  if (o->slot != from && has_jobs(o->slot)) return;
  uint64_t now = rt_clock();
  if (o->slot != from) o->first = now;
  o->slot = from;
  o->taken = taken;
  o->since = now;
}

/* Has it begun no job for this time, although it has some? */
static bool has_paused(rt_slot *slot, rt_slot *from, uint64_t time) {
  const rt_observed *o = &slot->observed;
  return o->slot == from && rt_runq_taken(&from->queue) == o->taken && has_jobs(from) &&
         rt_clock() - o->since >= time;
}

/* --- a worker that has nothing to run --------------------------------------------------------- */
static bool has_had_jobs(rt_slot *slot, rt_slot *from, uint64_t time) {
  const rt_observed *o = &slot->observed;
  return o->slot == from && rt_clock() - o->first >= time;
}

int rt_balance_may_steal(rt_slot *slot, rt_slot *from) {
  int begun = begun_by(slot);
  if (begun == 0) return INT_MAX;
  int gap = rt_balance_load(from) - begun;
  if (gap + begun / 16 >= 2) return gap > 2 ? gap / 2 : 1;
  if (has_paused(slot, from, PATIENCE) || has_had_jobs(slot, from, IDLE_PATIENCE)) return 1;
  observe(slot, from);
  return 0;
}

static void end_park(rt_timer_call *call) { (void)call; } /* (that a timer fires ends it) */

void rt_balance_before_park(rt_slot *slot, bool has_declined) {
  rt_driver *d = slot->queue.owner;
  if (has_declined)
    rt_wheel_add(&d->wheel, &slot->observed.alarm.timer, RT_TIMER_CALL,
                 rt_driver_after(d, PATIENCE));
  else
    slot->observed.slot = NULL;
}

void rt_balance_after_park(rt_slot *slot) { rt_timer_remove(&slot->observed.alarm.timer); }

void rt_balance_init(rt_slot *slot) { rt_timer_call_init(&slot->observed.alarm, end_park); }

/* --- a worker that has tasks to run ----------------------------------------------------------- */
/* (Relaxed: see begun_by.) */
rt_slot *rt_balance_stuck_slot(rt_slot *slot, uint64_t now) {
  rt_sched *s = slot->sched;
  rt_observed *o = &slot->observed;
  if (rt_likely(now - o->looked < LOOK_PERIOD)) return NULL;
  o->looked = o->first = now;
  for (int i = 1, n = rt_load_relaxed(&s->started); i < n; i++) {
    rt_slot *from = &s->slots[(slot->number + i) % n];
    if (!has_jobs(from)) continue;
    if (has_paused(slot, from, STUCK)) return from;
    observe(slot, from);
  }
  return NULL;
}

/* (Relaxed: see begun_by.) */
rt_slot *rt_balance_better_slot(rt_slot *slot, int *jobs) {
  rt_sched *s = slot->sched;
  int begun = begun_by(slot), n = rt_load_relaxed(&s->started), looks = n - 1;
  if (begun < 2) return NULL;
  rt_slot *best = NULL;
  int least = begun - 1 - begun / 16;
  if (looks > LOOKS) looks = LOOKS;
  for (int i = 0; i < looks; i++) {
    slot->asked = (slot->asked + 1) % n;
    if (slot->asked == slot->number) slot->asked = (slot->asked + 1) % n;
    rt_slot *other = &s->slots[slot->asked];
    int load = rt_balance_load(other);
    if (load >= least || has_paused(slot, other, PATIENCE)) continue;
    best = other;
    least = load;
  }
  if (best == NULL || !rt_slot_is_attached(best)) return NULL;
  *jobs = (begun - least) / 2 > 1 ? (begun - least) / 2 : 1;
  return best;
}
