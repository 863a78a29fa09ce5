/* event/active_threads.h - how many threads of a runtime are active.
**
** The threads of a runtime are its workers. A worker is still while it blocks and only a post can
** wake it: no task is ready, no timer is set, and no task waits for a libuv handle. Otherwise it
** is active. Two facts are kept in one word, so that they are read together: how many threads are
** active, and how often a thread has become active.
**
** A runtime is in a deadlock when all of its threads are still and none will be woken. To find out,
** the thread that becomes still last looks at the others (rt_deadlock_on_stillness in
** run/deadlock.c). Why no deadlock is missed, and why none is reported that is not one:
**
** 1. A thread enters the count before it can do anything: the thread that starts it enters for it.
** 2. To become still, a thread first puts the mark in its empty mailbox (rt_mailbox_sleep), and
**    then leaves the count. It blocks after that. When it is woken it first enters the count.
** 3. A thread that is still posts nothing and submits no job. So what can wake a still thread (a
**    post, a job) was sent by a thread while that was active, or comes from outside of the runtime
**    (a signal, the watchdog, a thread pool; a task that waits for a thread pool has a libuv
**    handle, so its worker is not still).
** 4. Let rt_active_threads_leave return true: no thread is active. By 2 and 3, each thread either
**    has the mark in its mailbox, and nothing will wake it; or it was rung for, will enter, and
**    will leave again. So the last leave of all finds all mailboxes asleep and no job queued. A
**    deadlock always comes with such a leave, so none is missed. Other last leaves find a mailbox
**    that is not asleep, or a queued job, and do nothing.
** 5. The thread that makes sure (is_deadlock in run/deadlock.c) is active itself. It reads the
**    word, looks at the mailboxes and the queues one after the other, and reads the word again. If
**    both words are the same, and say that one thread is active, then no thread has entered in
**    between, because the word counts the entries. So all others were still during all of it, and
**    what was seen one after the other was true at the same time.
**
** All accesses are sequentially consistent: 2 and 4 need one order of the marks, the count and the
** looks at both.
**
** spec/model/active_threads.c checks this in all schedules.
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
