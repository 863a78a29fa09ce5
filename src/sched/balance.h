/* sched/balance.h - which worker is to begin a job, so that all get their share.
**
** A task stays on the worker that has begun it. Tasks that wait first and compute later are shared
** out when they begin, at a moment when no worker has much to do. So the worker that is awake
** first must not begin all of them: how many tasks a worker has begun counts as its load, whether
** they run or wait.
**
** - A job is put into the queue of the worker with the least load, or into that of the worker that
**   spawns it.
** - A worker that has begun more tasks than another one hands the jobs of its queue to that one.
** - A worker that has nothing to run steals from another one only as long as it has the smaller
**   load. Otherwise it declines: the other worker is awake, or has been rung, and begins its jobs
**   itself. If that one begins none for a millisecond, since it computes or is stuck in a C
**   function, or has jobs left after some milliseconds, they are stolen all the same.
** - A worker that has tasks to run steals from a worker that begins no job for 20 ms: that one is
**   stuck in a C function.
**
** A worker without tasks always steals. With many tasks a difference of a few does not matter, and
** the limits are wider.
*/
#ifndef RT_SCHED_BALANCE_H
#define RT_SCHED_BALANCE_H

#include "sched/slot.h"

/* Any thread. Its jobs in the queue, and the tasks that it has begun. Not exact. */
int rt_balance_load(rt_slot *slot);

/* Any thread. The slot with the least load, among those that have had a thread. */
rt_slot *rt_balance_least_loaded(rt_sched *s);

/* Worker's thread: its worker has nothing to run. How many jobs it may steal from a queue that has
** some; 0: it declines. */
int rt_balance_may_steal(rt_slot *slot, rt_slot *from);

/* Worker's thread, around a park. If another queue has jobs, which the worker has declined, a timer
** ends the park when it has to look again. */
void rt_balance_before_park(rt_slot *slot, bool has_declined);
void rt_balance_after_park(rt_slot *slot);

/* Worker's thread: its worker has tasks to run. 'now': the time of its last poll. A slot whose jobs
** it should begin, since the worker of that slot is stuck; or NULL. */
rt_slot *rt_balance_stuck_slot(rt_slot *slot, uint64_t now);

/* Worker's thread, before it begins a job of its queue: the slot that should get this job instead,
** and how many jobs; or NULL. */
rt_slot *rt_balance_better_slot(rt_slot *slot, int *jobs);

/* In rt_sched_new. */
void rt_balance_init(rt_slot *slot);

#endif
