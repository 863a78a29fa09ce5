/* sync/mutex.h - a lock that one task of any worker holds, and the value that it guards.
**
** The lock belongs to a task, not to a thread, and is released when the task ends at the latest. It
** is handed to the task that has waited longest; a task that comes later cannot get it before.
**
** rt.once uses the same object: a mutex can be settled. From then on its value is final, and no
** task locks it or waits for it any more.
*/
#ifndef RT_SYNC_MUTEX_H
#define RT_SYNC_MUTEX_H

#include "event/waiter.h"

/* What is known of a guard that may be forgotten (lib/sync/guards.h). */
typedef struct rt_guard_slot {
  struct rt_mutex *mutex; /* that the guard has locked, until it is unlocked; or NULL */
  int number;             /* from 1 on */
  bool used;              /* it is some guard's */
  bool missing;           /* the last collection has not found the guard */
  uint32_t turn;          /* how many guards have had it before */
  struct rt_guard_slot *next_of_all, *next_free;
} rt_guard_slot;

typedef struct rt_mutex {
  rt_shared shared;
  /* under the lock */
  rt_lock lock;
  bool locked; /* a task holds it, or it has been handed to a task that has not accepted it yet */
  bool settled;
  uint64_t holder; /* id of the task that holds it + 1; 0: none, or handed over and not accepted */
  uint64_t serial; /* number of the current locking: guards of earlier ones have no effect */
  int waiting;     /* length of 'waiters' */
  rt_list waiters;
  /* the task that holds it: its worker's thread */
  rt_held_lock held;    /* in the task's list of locks */
  rt_guard_slot *guard; /* NULL: the guard of this locking has none, or there is no guard */
  rt_message *value;    /* NULL: nil; fixed once the mutex is settled */
} rt_mutex;

/* How a mutex holds its value: for the kind of mutexes, but not of rt.once, whose values are read
** without the lock. */
extern const rt_shared_content rt_mutex_content;

/* The result of an attempt; and the answer with which a waiter is called (DONE or SETTLED). */
typedef enum rt_mutex_result {
  RT_MUTEX_DONE,
  RT_MUTEX_SETTLED,
  RT_MUTEX_WAITS,       /* the task would have to wait */
  RT_MUTEX_ALREADY_HELD /* by this task, which would wait for itself */
} rt_mutex_result;

/* Any thread: the 'free' of a mutex's kind. */
void rt_mutex_free(rt_shared *shared);

/* Any thread. Takes over the value. NULL: no memory; the value stays with the caller. */
rt_mutex *rt_mutex_new(const rt_shared_kind *kind, rt_message *value);
static inline rt_mutex *rt_mutex_of(rt_shared *shared) {
  return rt_containerof(shared, rt_mutex, shared);
}

/* Worker's thread of the task, for which rt_task_more has succeeded. DONE: the task holds the
** mutex. */
rt_mutex_result rt_mutex_lock(rt_mutex *m, rt_task *task);
/* The waiter's thread. True: the waiter is in the queue. If it is called with DONE, the mutex has
** been handed to the task, which has to call rt_mutex_accept, and rt_mutex_unlock if it does not
** want it any more. False: nothing was done, and another attempt is worth it. */
bool rt_mutex_await(rt_mutex *m, rt_waiter *waiter);
/* Worker's thread of the task whose waiter was called with DONE: the task holds the mutex. */
void rt_mutex_accept(rt_mutex *m, rt_task *task);

/* The task that holds it, of this worker: its guard has this slot, until it unlocks. */
static inline void rt_mutex_set_guard(rt_mutex *m, rt_guard_slot *slot) {
  m->guard = slot;
  slot->mutex = m;
}

/* Worker's thread of the task. False: the task does not hold the mutex. */
bool rt_mutex_unlock(rt_mutex *m, const rt_task *task);
/* The same thread, for a guard. False: the locking with this serial is over. */
bool rt_mutex_unlock_serial(rt_mutex *m, uint64_t serial);
bool rt_mutex_is_held(rt_mutex *m, uint64_t serial);

/* The task that holds it: sets the value (NULL: nil), and takes it over. */
void rt_mutex_set(rt_mutex *m, rt_message *value);
/* The task that holds it: sets the final value, calls all waiters with SETTLED, and unlocks. */
void rt_mutex_settle(rt_mutex *m, rt_message *value);
/* Any thread. */
bool rt_mutex_is_settled(rt_mutex *m);

/* Any thread, for display: the id of the task that holds it; -1: none; -2: it has been handed over
** and not accepted yet. *waiting: how many tasks wait. */
int64_t rt_mutex_inspect(rt_mutex *m, int *waiting);

#endif
