#include "sched/spin.h"

#include "base/cpu_count.h"

#define LONGEST (30 * 1000ull) /* ns: as long as it looks out */
#define SHORT (150 * 1000ull)  /* ns: a sleep that was hardly worth it */
enum { LOOKS = 50, PAUSE_MOST = 4096 };

static bool has_come(rt_driver *d, rt_slot *slot) {
  return rt_load_relaxed(&d->mailbox.newest) != NULL || (slot && rt_sched_has_job(slot));
}

static bool look_out(rt_driver *d, rt_slot *slot) {
  uint64_t until = rt_clock() + LONGEST;
  do {
    for (int i = 0; i < LOOKS; i++) {
      if (has_come(d, slot)) return true;
      rt_relax();
    }
  } while (rt_clock() < until);
  return false;
}

bool rt_spin_try(rt_spin *l, rt_driver *d, rt_slot *slot) {
  if (!l->expecting || rt_clock_is_virtual()) return false;
  if (l->cores == 0) l->cores = rt_cpu_count();
  if (l->cores == 1) return false;
  if (l->skipped < l->pause) {
    l->skipped++;
    return false;
  }
  l->skipped = 0;
  if (look_out(d, slot)) {
    l->pause = 0;
    return true;
  }
  l->pause = l->pause ? l->pause * 2 : 1;
  if (l->pause > PAUSE_MOST) l->pause = PAUSE_MOST;
  return false;
}

void rt_spin_slept(rt_spin *l, uint64_t ns, bool by_other) {
  l->expecting = by_other && ns < SHORT;
}
