#include "model_worker.h"

static void run_task(rt_driver *d, rt_task *t) {
  (void)d, (void)t;
  model_fail("a driver runs a task by itself");
}

static void on_wait_deadline(rt_timer_call *call) {
  worker *w = rt_containerof(call, worker, deadline);
  if (w->task.phase == RT_WAITING) rt_driver_wake(&w->driver, &w->task, RT_WITHDRAWN);
}

worker *worker_new(void) {
  static uint64_t last_id;
  worker *w = rt_malloc(sizeof *w);
  check(rt_driver_init(&w->driver, run_task) == 0);
  rt_task_init(&w->task, ++last_id % 1000);
  w->task.phase = RT_RUNNING;
  check(rt_task_more(&w->task) != NULL);
  rt_timer_call_init(&w->deadline, on_wait_deadline);
  return w;
}

void worker_free(worker *w) {
  rt_task_end(&w->task, &w->driver.ready.next, RT_DONE);
  rt_waiter_free_all(&w->driver);
  rt_driver_close(&w->driver);
  rt_free(w);
}

rt_cause worker_wait(worker *w) {
  rt_ready *ready = &w->driver.ready;
  while (rt_ready_is_idle(ready)) rt_driver_park(&w->driver);
  rt_ready_flip(ready);
  check(rt_ready_take(ready) == &w->task);
  return w->task.cause;
}

void worker_set_deadline(worker *w) {
  rt_wheel_add(&w->driver.wheel, &w->deadline.timer, RT_TIMER_CALL,
               rt_driver_after(&w->driver, RT_MILLISECOND));
}

void worker_forget_deadline(worker *w) { rt_timer_remove(&w->deadline.timer); }
