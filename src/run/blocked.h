/* run/blocked.h - at the end of the program: pool workers that are blocked in a system call.
**
** A worker whose task is in a C function does not see that the program ends. If its thread is
** blocked in the kernel (it reads stdin, writes to a full pipe, waits for a command), it might stay
** so for ever. So while the main chunk waits for the pools (run/stop.c), each such thread is sent a
** signal that interrupts the call: the function fails with EINTR, and the preemption hook raises
** the cancel at the next instruction. If the call goes on all the same, the main chunk does not
** wait for this worker any longer.
**
** A worker that has done anything since the program began to end is left alone: it is cleaning up,
** which may block, and has the grace for it. So has a call inside of rt.shield or rt.critical: only
** the thread itself knows about these, so it is asked first, by a signal after which its call goes
** on. (A call that no signal leaves alone, such as nanosleep, is interrupted in any case.) Main
** worker's thread.
*/
#ifndef RT_RUN_BLOCKED_H
#define RT_RUN_BLOCKED_H

#include "worker/worker.h"

/* ns between two calls of rt_blocked_check. */
#define RT_BLOCKED_PERIOD (100 * RT_MILLISECOND)

/* The pools have been told to stop. */
void rt_blocked_begin(rt_worker *w);

/* Interrupts the calls in which workers are blocked. True: no worker is left but those that stay
** blocked in a call. (If there is none at all, one may be about to begin.) */
bool rt_blocked_check(rt_worker *w);

#endif
