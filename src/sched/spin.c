#include "sched/spin.h"

#include "base/cpu_count.h"

#define SPIN_TIME (30 * 1000ull)    /* ns */
#define SHORT_SLEEP (150 * 1000ull) /* ns: after a shorter sleep, spinning may be cheaper */
enum { POLLS_PER_CLOCK = 50, SKIP_MAX = 4096 };

/* Has a post or a job come? (Relaxed: an old value only prolongs the spin. After the spin, draining
** the mailbox and taking a job use stronger orders.) */
static bool has_come(rt_driver *d, rt_slot *slot) {
  return rt_load_relaxed(&d->mailbox.newest) != NULL || (slot && rt_sched_would_take(slot));
}

static bool spin(rt_driver *d, rt_slot *slot) {
  uint64_t until = rt_clock() + SPIN_TIME;
  do {
    for (int i = 0; i < POLLS_PER_CLOCK; i++) {
      if (has_come(d, slot)) return true;
      rt_relax();
    }
  } while (rt_clock() < until);
  return false;
}

bool rt_spin_try(rt_spin *s, rt_driver *d, rt_slot *slot) {
  if (!s->expecting || rt_clock_is_virtual()) return false;
  if (s->cpus == 0) s->cpus = rt_cpu_count();
  if (s->cpus == 1) return false;
  if (s->skipped < s->skip) {
    s->skipped++;
    return false;
  }
  s->skipped = 0;
  if (spin(d, slot)) {
    s->skip = 0;
    return true;
  }
  s->skip = s->skip ? s->skip * 2 : 1;
  if (s->skip > SKIP_MAX) s->skip = SKIP_MAX;
  return false;
}

void rt_spin_slept(rt_spin *s, uint64_t ns, bool by_worker) {
  s->expecting = by_worker && ns < SHORT_SLEEP;
}
