/* run/blocked.h - as the program ends: pool workers that are blocked in a system call.
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
** on. (A call that no signal leaves alone, such as nanosleep, is interrupted in any case.)
**
** After SIGINT or SIGTERM the main chunk may have cancelled tasks, and wait for them, before it
** ends: rt.scope does. Those are found and interrupted in the same way. As other tasks go on
** meanwhile, a call is interrupted only if the thread has said that its task was cancelled and has
** not got the error yet, or keeps a cancelled task, which waits for it, from running; so one that
** cannot be asked goes on until the main chunk has ended.
**
** Main worker's thread.
*/
#ifndef RT_RUN_BLOCKED_H
#define RT_RUN_BLOCKED_H

#include "worker/worker.h"

/* ns between two checks. */
#define RT_BLOCKED_PERIOD (100 * RT_MILLISECOND)

/* A signal has asked the main chunk to end, and it waits. Interrupts the calls in which tasks of
** the pools are blocked that were cancelled, or for which a cancelled task waits (run/awaited.h).
** Called at each tick or more often; does nothing if the last check was a moment ago. */
void rt_blocked_check_cancelled(rt_worker *w);

/* The signal has only ended a statement at the prompt. */
void rt_blocked_forget_signal(rt_worker *w);

/* The pools have been told to stop. */
void rt_blocked_begin(rt_worker *w);

/* Interrupts the calls in which workers are blocked. True: no worker is left but those that stay
** blocked in a call. (If there is none at all, one may be about to begin.) */
bool rt_blocked_check(rt_worker *w);

#endif
