#include "run/end_wait.h"

bool rt_end_wait_has_pool_ended(const rt_worker *w) {
  rt_worker_assert_thread(w);
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which] && rt_sched_live(w->pools[which]) > 0) return false;
  return true;
}

bool rt_end_wait_is_over(const rt_worker *w) {
  return w->tasks.live == 0 && (w->end_wait.given_up || rt_end_wait_has_pool_ended(w));
}

void rt_end_wait_give_up(rt_worker *w) {
  rt_worker_assert_thread(w);
  w->end_wait.given_up = true;
  rt_end_wait_notify(w);
}

void rt_end_wait_notify(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->stop.closed) rt_worker_end_child(w);
  if (!w->end_wait.main_waits || !rt_end_wait_is_over(w)) return;
  rt_end_wait_finish(w);
  /* If the grace is over, the main task is ready already. */
  if (w->main->phase == RT_WAITING) rt_driver_wake(&w->driver, w->main, RT_FIRED);
}
