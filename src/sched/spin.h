/* sched/spin.h - a worker that others talk to stays awake for a moment before it sleeps.
**
** Between threads a question and its answer take some microseconds, but to put a thread to
** sleep and wake it costs tens.  So a worker that was woken by another one soon after it had
** gone to sleep looks out for the next message for a while first.  If that was in vain it
** does not try again for the next few times, and ever fewer: a worker without work costs
** nothing, and neither does one that waits for sockets.
*/
#ifndef RT_SCHED_SPIN_H
#define RT_SCHED_SPIN_H

#include "event/driver.h"
#include "sched/sched.h"

typedef struct rt_spin {
  int cores;        /* that may be used; 0: not asked yet */
  bool expecting;   /* the last sleep was short, and another worker ended it */
  uint32_t pause;   /* sleeps to be left out after a vain try */
  uint32_t skipped; /* of them, so far */
} rt_spin;

/* Before it sleeps; 'slot': it takes jobs, too.  True: something has come. */
bool rt_spin_try(rt_spin *l, rt_driver *d, rt_slot *slot);

/* After it has slept: for so long, and whether another worker ended that. */
void rt_spin_slept(rt_spin *l, uint64_t ns, bool by_other);

#endif
