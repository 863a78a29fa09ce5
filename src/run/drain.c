#include "run/drain.h"

bool rt_drain_has_pool_ended(const rt_worker *w) {
  rt_worker_assert_thread(w);
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which] && rt_sched_live(w->pools[which]) > 0) return false;
  return true;
}

bool rt_drain_is_complete(const rt_worker *w) { return w->live == 0 && rt_drain_has_pool_ended(w); }

void rt_drain_notify(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (!w->stop.main_waits || !rt_drain_is_complete(w)) return;
  w->stop.main_waits = false;
  /* If the grace is over, the main task is ready already. */
  if (w->main->phase == RT_WAITING) rt_driver_wake(&w->driver, w->main, RT_FIRED);
}
