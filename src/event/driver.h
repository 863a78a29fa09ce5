/* event/driver.h - what wakes the tasks of one worker: the OS, the clock, and other workers.
**
** A driver has the worker's uv_loop, timer wheel, mailbox and ready queue. Polling looks at the
** mailbox, the timers and the OS. Parking blocks in the loop until one of them has something. One
** uv_timer (the alarm) ends the blocking when the wheel's next timer is due, and one uv_async (the
** bell) when there is a post.
**
** All functions but rt_driver_ring: worker's thread.
*/
#ifndef RT_EVENT_DRIVER_H
#define RT_EVENT_DRIVER_H

#include "base/counters.h"
#include "base/virtual_time.h"
#include "event/active_threads.h"
#include "event/mailbox.h"
#include "task/ready.h"

#include <uv.h>

/* A libuv handle, or request, of another file that is registered with a driver. It must stay valid
** until its close callback. A driver that closes calls 'close' for each handle that is still
** registered. */
typedef struct rt_uv_handle {
  rt_list link;
  void (*close)(struct rt_uv_handle *);
  bool (*is_awaited)(struct rt_uv_handle *); /* does a task wait for it? NULL: always */
} rt_uv_handle;

typedef struct rt_driver {
  /* fixed */
  uint64_t epoch;                             /* rt_clock at tick 0 of the wheel */
  void (*run)(struct rt_driver *, rt_task *); /* resumes a task now; set by the worker */
  rt_active_threads *active; /* of its runtime; NULL: the runtime has no other thread */
  /* Called when this thread is about to block and, with it, all threads of the runtime are still.
  ** False: this thread must not block. NULL: not called. Set by the worker. */
  bool (*on_stillness)(struct rt_driver *);
  /* worker's thread */
  uv_loop_t loop;
  uv_async_t bell;
  uv_timer_t alarm;
  rt_wheel wheel;
  rt_ready ready;
  rt_list uv_handles;            /* rt_uv_handle */
  rt_list waiters;               /* of its tasks (event/waiter.h) */
  rt_list spare_waiters;         /* freed waiters, which are used again */
  int spares;                    /* number of 'spare_waiters' */
  char *scratch;                 /* RT_SCRATCH bytes, into which a read goes first */
  uint64_t polled;               /* rt_clock_coarse at the last poll */
  rt_atomic(uint32_t) timestamp; /* atomic: of the last poll; the watchdog sets a later one */
  bool inside;                   /* uv_run is on the C stack */
  uint64_t resumed_at;           /* ms, uv_now: when uv_run first resumed a task; 0: it has not */
  uint64_t sockets;              /* opened so far (io/sock.c) */
  rt_vthread *vthread;           /* NULL: time is not virtual */
  rt_counters *counters;         /* own_counters, or those of the worker's slot */
  rt_counters own_counters;
  /* any thread */
  rt_mailbox mailbox;
} rt_driver;

enum { RT_SCRATCH = RT_SIZE(64 * 1024, 16) };

/* 0, UV_ENOMEM, or an error of libuv. */
int rt_driver_init(rt_driver *d, void (*run)(rt_driver *, rt_task *));
/* Closes all libuv handles and the loop. If uv_run is on the C stack (the program exits in a
** callback) it does nothing. */
void rt_driver_close(rt_driver *d);

/* In a child of fork, whose thread has the driver: no task is ready any more, those that events
** would resume go to 'run', and it is time to poll. The loop, which the parent uses, is left
** alone. */
void rt_driver_leave(rt_driver *d, void (*run)(rt_driver *, rt_task *));

/* Registers a libuv handle, and removes it again. */
void rt_driver_add_uv_handle(rt_driver *d, rt_uv_handle *h, void (*close)(rt_uv_handle *));
void rt_driver_remove_uv_handle(rt_uv_handle *h);

/* The current tick of the wheel; and the first tick that is not before 'ns' from now (RT_NEVER if
** that is too far). */
uint64_t rt_driver_tick(const rt_driver *d);
uint64_t rt_driver_after(const rt_driver *d, uint64_t ns);

/* A timestamp is a time in units of about 4 ms, the precision of the coarse clock, in 32 bits. The
** difference of two says for how long a task has been suspended. Timestamps wrap after half a
** year. */
enum { RT_TIMESTAMP_BITS = 22 };
static inline uint32_t rt_driver_timestamp(uint64_t clock) {
  return (uint32_t)(clock >> RT_TIMESTAMP_BITS);
}
static inline double rt_driver_timestamp_seconds(uint32_t difference) {
  return (double)difference * (double)(1 << RT_TIMESTAMP_BITS) / (double)RT_SECOND;
}

/* Reads the clock for 'polled' and 'timestamp'. Comes before rt_driver_poll. */
void rt_driver_note_time(rt_driver *d);
/* Delivers posts, fires timers, and polls the OS, without blocking. */
void rt_driver_poll(rt_driver *d);
/* The same, but blocks until there is a post, a timer or an event of the OS; it does not block if a
** task is ready. True: there was a post. Notes the time after that. */
bool rt_driver_park(rt_driver *d);
/* Delivers posts and fires timers; does not poll the OS. */
void rt_driver_serve(rt_driver *d);

/* Wakes a parked task: it runs in the next turn. */
static inline void rt_driver_wake(rt_driver *d, rt_task *t, rt_cause cause) {
  rt_task_wake(t, &d->ready.next, cause);
}

/* Wakes a parked task, and runs it now. For libuv callbacks on a hot path. The main chunk cannot
** run now, as it is below the callback on the C stack: it is for the next turn. So is a task of
** idle priority, since others go before it. */
static inline void rt_driver_resume(rt_driver *d, rt_task *t) {
  rt_task_unpark(t, RT_FIRED);
  if (d->resumed_at == 0) d->resumed_at = uv_now(&d->loop);
  if (rt_unlikely(t->is_main || t->priority == RT_IDLE))
    rt_ready_add(&d->ready, t);
  else
    d->run(d, t);
}

/* Can only a post wake the driver? True if no timer is set and no task waits for a libuv handle. */
bool rt_driver_awaits_only_posts(rt_driver *d);

/* Any thread, and signal handlers: ends the current or the next blocking. */
void rt_driver_ring(rt_driver *d);

#endif
