/* event/thread_pool.h - threads for calls that block.
**
** A bounded number of threads, started when there is work and ended after an idle
** while; a bounded queue.  A call that does not come back (a name server that is
** silent) holds up its thread and nothing else, not even the end of the process: the
** crew is shared by whoever still uses it, and the last one frees it.
*/
#ifndef RT_CREW_H
#define RT_CREW_H

#include "base/list.h"

typedef enum rt_chore_state {
  RT_CHORE_QUEUED,
  RT_CHORE_BEGUN,
  RT_CHORE_FINISHED /* 'done' has been called */
} rt_chore_state;

typedef struct rt_chore {
  /* fixed */
  void (*work)(struct rt_chore *);              /* on a thread of the crew */
  void (*done)(struct rt_chore *, bool wanted); /* there too, with the crew's lock held */
  /* under the crew's lock */
  rt_list link;
  rt_chore_state state;
  bool dropped;
} rt_chore;

typedef struct rt_crew rt_crew;

rt_crew *rt_crew_new(int threads, int queue, size_t stack); /* NULL: no memory */

/* 0; -EAGAIN, the queue is full; or why no thread could be started */
int rt_crew_submit(rt_crew *c, rt_chore *chore);

/* Its owner wants it no more.  QUEUED: it has been taken back, and is the owner's.
** BEGUN: it is the thread's now, which will call 'done' with wanted = false.
** FINISHED: 'done' has been called with wanted = true. */
rt_chore_state rt_crew_drop(rt_crew *c, rt_chore *chore);

/* Its owner goes, having dropped its chores; those begun end by themselves. */
void rt_crew_close(rt_crew *c);

#endif
