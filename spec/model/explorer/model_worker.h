/* model_worker.h - what a worker of a model does, without Lua: one task, which waits as rtL_wait does. */
#ifndef RT_MODEL_WORKER_H
#define RT_MODEL_WORKER_H

#include "explore.h"
#include "event/waiter.h"

typedef struct worker {
  rt_driver driver;
  rt_task task;
  rt_timeout deadline;
} worker;

worker *worker_new(void);
void worker_free(worker *w); /* by itself, or in the end */

/* The task is parked; until it may go on, and why. */
rt_cause worker_wait(worker *w);

/* The wait will be withdrawn, some time, if it lasts. */
void worker_set_deadline(worker *w);
void worker_forget_deadline(worker *w);

#endif
