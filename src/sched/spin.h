/* sched/spin.h - a worker that exchanges messages with another one spins before it sleeps.
**
** Between two threads that are awake, a message and its answer take some microseconds. To put a
** thread to sleep and wake it takes tens of microseconds. So if another worker ended the last sleep
** after a short time, the worker polls its mailbox and the queues for a moment before it parks.
** After a spin that found nothing it skips the next spins, each time twice as many: a worker that
** waits for sockets or for nothing does not spin.
*/
#ifndef RT_SCHED_SPIN_H
#define RT_SCHED_SPIN_H

#include "event/driver.h"
#include "sched/sched.h"

/* Worker's thread. Zeroed at first. */
typedef struct rt_spin {
  int cpus;         /* that this process may use; 0: not determined yet */
  bool expecting;   /* the last sleep was short, and another worker ended it */
  uint32_t skip;    /* spins to be skipped after one that found nothing */
  uint32_t skipped; /* of these, so far */
} rt_spin;

/* Worker's thread, before it parks. 'slot': the worker takes jobs, so it polls the queues, too;
** NULL: the mailbox only. True: a post or a job has come. */
bool rt_spin_try(rt_spin *s, rt_driver *d, rt_slot *slot);

/* Worker's thread, after it was parked. 'ns': for how long; 'by_worker': a post or a job ended
** it. */
void rt_spin_slept(rt_spin *s, uint64_t ns, bool by_worker);

#endif
