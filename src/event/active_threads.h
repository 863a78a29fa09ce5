/* event/active_threads.h - how many threads of a runtime are active.
**
** The threads of a runtime are its workers. A worker is still while it blocks and only a post can
** wake it: no task is ready, no timer is set, and no task waits for a libuv handle. Otherwise it
** is active. Two facts are kept in one word, so that they are read together: how many threads are
** active, and how often a thread has become active.
**
** The thread that becomes still last looks for a deadlock. run/deadlock.c has the argument why none
** is missed, and why none is reported that is not one.
*/
#ifndef RT_EVENT_ACTIVE_THREADS_H
#define RT_EVENT_ACTIVE_THREADS_H

#include "base/base.h"

typedef struct rt_active_threads {
  rt_atomic(uint64_t) word; /* low half: active threads; high half: how often one has entered */
} rt_active_threads;

#define RT_ACTIVE_ENTERED ((uint64_t)1 << 32)

/* Any thread: a thread becomes active. */
static inline void rt_active_threads_enter(rt_active_threads *a) {
  rt_add(&a->word, RT_ACTIVE_ENTERED + 1);
}

/* Any thread: a thread becomes still, or ends. True: no thread is active now. */
static inline bool rt_active_threads_leave(rt_active_threads *a) {
  return (uint32_t)rt_sub(&a->word, 1) == 1;
}

/* Any thread: the word. Equal words: no thread has entered between the two reads. */
static inline uint64_t rt_active_threads_read(rt_active_threads *a) { return rt_load(&a->word); }

/* How many threads are active, by this word. */
static inline uint32_t rt_active_threads_number(uint64_t word) { return (uint32_t)word; }

#endif
