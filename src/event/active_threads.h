/* event/active_threads.h - how many threads of a runtime may still do something by themselves.
**
** A thread counts from the moment somebody decides to start it until it has gone, except
** while it blocks and nothing but another thread could wake it: then it is still.  When the
** last one becomes still, either a post is on its way to one of them, or none of them will
** ever go on.
**
** Beside the number there is how often one got up: who reads the same twice knows that in
** between all that were still have been still.
*/
#ifndef RT_EVENT_ACTIVE_THREADS_H
#define RT_EVENT_ACTIVE_THREADS_H

#include "base/base.h"

typedef struct rt_active_threads {
  rt_atomic(uint64_t) word; /* low half: the number; high half: how often one got up */
} rt_active_threads;

#define RT_ACTIVE_ENTERED ((uint64_t)1 << 32)

static inline void rt_active_threads_enter(rt_active_threads *a) {
  rt_add(&a->word, RT_ACTIVE_ENTERED + 1);
}
/* true: that was the last one */
static inline bool rt_active_threads_leave(rt_active_threads *a) {
  return (uint32_t)rt_sub(&a->word, 1) == 1;
}

static inline uint64_t rt_active_threads_read(rt_active_threads *a) { return rt_load(&a->word); }
static inline uint32_t rt_active_threads_number(uint64_t word) { return (uint32_t)word; }

#endif
