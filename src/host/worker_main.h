/* host/worker_main.h - the function of a pool worker's thread.
**
** It makes the worker's state, runs the loop, and closes the state.
*/
#ifndef RT_HOST_WORKER_MAIN_H
#define RT_HOST_WORKER_MAIN_H

#include "worker/worker.h"

/* Runs on the thread that the scheduler has started for this slot, to its end. If the worker cannot
** be started, the reason is written to stderr. */
void rt_worker_main(rt_slot *slot);

#endif
