/* event/driver.h - what wakes the tasks of one worker: the OS, the clock and other workers.
**
** A driver has the worker's uv_loop, its timer wheel, its mailbox, and the queue of
** those who may run.  Polling looks at all three sources; parking blocks in the loop
** until one of them has something.  The wheel stands under a single uv_timer, and the
** mailbox's bell is a uv_async: it carries no news, it only ends the blocking.
*/
#ifndef RT_EVENT_DRIVER_H
#define RT_EVENT_DRIVER_H

#include "event/active_threads.h"
#include "base/virtual_time.h"
#include "base/counters.h"
#include "event/mailbox.h"
#include "task/ready.h"

#include <uv.h>

/* What libuv knows of us lives until its close callback; a driver that is closed
** closes what is still open. */
typedef struct rt_uv_handle {
  rt_list link;
  void (*close)(struct rt_uv_handle *);
  bool (*is_awaited)(struct rt_uv_handle *); /* does a task wait for it?  NULL: always */
} rt_uv_handle;

typedef struct rt_driver {
  /* fixed */
  uint64_t epoch;                             /* of the wheel's ticks */
  void (*run)(struct rt_driver *, rt_task *); /* the worker's: resumes one task now */
  rt_active_threads *active;                  /* of its runtime; NULL: there are no others */
  /* The worker's: it is about to block, and of all threads it is the last that did; false: it is
  ** not to block.  NULL: nobody cares. */
  bool (*on_stillness)(struct rt_driver *);
  /* this thread */
  uv_loop_t loop;
  uv_async_t bell;
  uv_timer_t alarm;
  rt_wheel wheel;
  rt_ready ready;
  rt_list handles;
  rt_list waiters;       /* held by its tasks; see event/waiter.h */
  rt_list spare_waiters; /* for the next ones */
  int spares;
  char *scratch;              /* what is read passes through here; RT_SCRATCH bytes */
  uint64_t polled;            /* when the sources were last looked at, by the coarse clock */
  rt_atomic(uint32_t) moment; /* the same as a moment; others may set it, too, to now */
  bool inside;                /* libuv is below us on the C stack */
  rt_vthread *vthread;        /* NULL: time is as outside */
  rt_counters *counts;        /* of its worker */
  rt_counters own_counts;
  /* any thread */
  rt_mailbox mailbox;
} rt_driver;

enum { RT_SCRATCH = RT_SIZE(64 * 1024, 16) };

int rt_driver_init(rt_driver *d, void (*run)(rt_driver *, rt_task *));
/* Closes every handle and the loop.  Called inside a callback of the loop (a program
** that exits there), it leaves the loop as it is. */
void rt_driver_close(rt_driver *d);

void rt_driver_adopt(rt_driver *d, rt_uv_handle *h, void (*close)(rt_uv_handle *));
void rt_driver_disown(rt_uv_handle *h);

/* Ticks of the wheel: the one that has passed, and the first that is not before a
** time from now. */
uint64_t rt_driver_tick(const rt_driver *d);
uint64_t rt_driver_after(const rt_driver *d, uint64_t ns);

/* Moments, for how long something has been so: some milliseconds each (the grain of the
** coarse clock); they wrap after months. */
enum { RT_MOMENT_BITS = 22 };
static inline uint32_t rt_moment_of(uint64_t clock) { return (uint32_t)(clock >> RT_MOMENT_BITS); }
static inline double rt_moment_seconds(uint32_t moments) {
  return (double)moments * (double)(1 << RT_MOMENT_BITS) / (double)RT_SECOND;
}

/* Looks at the mailbox, the timers and the OS, without blocking. */
void rt_driver_poll(rt_driver *d);
/* The same, but blocks until one of them has something.  True: there was post. */
bool rt_driver_park(rt_driver *d);
/* Looks at the mailbox and the timers only. */
void rt_driver_look(rt_driver *d);

/* The one road back: a parked task may run, in the next turn. */
static inline void rt_driver_wake(rt_driver *d, rt_task *t, rt_cause cause) {
  rt_task_wake(t, &d->ready.next, cause);
}
/* The same, but it runs now: for a libuv callback, on the hot path. */
static inline void rt_driver_resume(rt_driver *d, rt_task *t) {
  rt_task_unpark(t, RT_FIRED);
  if (rt_unlikely(t->is_main))
    rt_ready_add(&d->ready, t); /* the main chunk is below us on the C stack */
  else
    d->run(d, t);
}

/* Nothing but another thread could ever wake one of its tasks: there may be handles, but nobody
** waits for one. */
bool rt_driver_is_hopeless(rt_driver *d);

/* any thread: ends a park */
void rt_driver_ring(rt_driver *d);

#endif
