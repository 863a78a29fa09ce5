/* spec/model/explorer/model_worker.h - a worker of a model, without Lua: one task, which waits as
** rtL_wait does. */
#ifndef RT_MODEL_WORKER_H
#define RT_MODEL_WORKER_H

#include "event/waiter.h"
#include "explore.h"

typedef struct worker {
  rt_driver driver;
  rt_task task;
  rt_timer_call deadline;
} worker;

worker *worker_new(void);
void worker_free(worker *w); /* called by the worker's fiber, or after all fibers have ended */

/* The task is parked: waits until it is resumed, and returns why. */
rt_cause worker_wait(worker *w);

/* The wait of the task may time out: it is withdrawn at any time. */
void worker_set_deadline(worker *w);
void worker_forget_deadline(worker *w);

#endif
