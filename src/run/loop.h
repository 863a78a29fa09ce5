/* run/loop.h - what a worker does all day: the only place that resumes a task.
**
** A turn runs every task that may run when it begins, once each, and then looks at
** the mailbox, the timers and the OS; with nobody to run it blocks there.  They are
** looked at in between, too, after 61 resumes or some milliseconds.
*/
#ifndef RT_RUN_LOOP_H
#define RT_RUN_LOOP_H

#include "event/driver.h"
#include "worker/anchors.h"

struct rt_worker;

/* Runs others until the main task may go on; the main chunk is the caller. */
void rt_loop_drive(struct rt_worker *w, lua_State *L);

/* A worker of the pool: begins jobs and runs tasks, until it is told to end and has. */
void rt_loop_serve(struct rt_worker *w);

/* Runs one task until it waits or ends: what the driver calls on the hot path. */
void rt_loop_run(rt_driver *d, rt_task *t);

#endif
