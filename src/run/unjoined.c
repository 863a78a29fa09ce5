#include "run/unjoined.h"

/* ns: how long an error may be left; RT_UNJOINED_NEVER: until the end of the program */
static uint64_t time_left(const rt_worker *w) {
  return w->worker_config ? w->worker_config->unjoined : RT_UNJOINED;
}

static void on_unjoined(rt_timer_call *call) {
  rt_worker *w = rt_containerof(call, rt_worker, unjoined.timer);
  w->unjoined.due = true;
}

void rt_unjoined_watch(rt_worker *w, uint64_t since) {
  rt_worker_assert_thread(w);
  uint64_t time = time_left(w), now = rt_clock();
  if (w->unjoined.watched || time == RT_UNJOINED_NEVER || w->stop.begun) return;
  uint64_t due = rt_driver_after(&w->driver, since + time > now ? since + time - now : 0);
  if (due == RT_NEVER) return;
  w->unjoined.watched = true;
  rt_timer_call_init(&w->unjoined.timer, on_unjoined);
  rt_wheel_add(&w->driver.wheel, &w->unjoined.timer.timer, RT_TIMER_CALL, due);
}

uint64_t rt_unjoined_due(rt_worker *w) {
  rt_worker_assert_thread(w);
  uint64_t time = time_left(w), now = rt_clock();
  w->unjoined.watched = w->unjoined.due = false;
  return now > time ? now - time : 0;
}
