/* task/task.h - the record of one task.
**
** A task is queued until it gets a coroutine. Then it runs or is parked: parked means that it is in
** a bucket of the timer wheel, or in the list of what it waits for. rt_task_wake is the only way
** back: it removes the task from there and adds it to the ready queue, so that it runs in the next
** turn. A task ends once: done, failed or cancelled.
**
** The record is the body of the userdata that is the handle of the task in Lua. It is small, as a
** million tasks may sleep; the fields that few tasks need are in 'more'.
**
** Only the worker's thread uses a record. To other threads, a task of the pool is an rt_job
** (sched/job.h). All functions: worker's thread.
*/
#ifndef RT_TASK_TASK_H
#define RT_TASK_TASK_H

#include "task/escalation.h"
#include "task/timer.h"

struct lua_State;

typedef enum rt_phase {
  RT_QUEUED,  /* it has no coroutine yet */
  RT_RUNNING, /* it runs, or is in the ready queue */
  RT_WAITING, /* it is parked */
  RT_DONE,    /* this one and the following: it has ended, and the phase does not change any more */
  RT_FAILED,
  RT_CANCELLED
} rt_phase;

/* The operation for which a task is parked. */
typedef enum rt_op {
  RT_OP_NONE,
  RT_OP_YIELD,
  RT_OP_SLEEP,
  RT_OP_JOIN,
  RT_OP_READ,
  RT_OP_WRITE,
  RT_OP_ACCEPT,
  RT_OP_CONNECT,
  RT_OP_RESOLVE,
  RT_OP_SEND,
  RT_OP_RECEIVE,
  RT_OP_SPAWN, /* rt.spawn_blocking, whose queue is full */
  RT_OP_SELECT,
  RT_OP_STDIN,
  RT_OP_REQUIRE,
  RT_OP_LOCK,
  RT_OP_ACQUIRE,
  RT_OP_NOTIFY,
  RT_OP_BARRIER,
  RT_OP_ONCE,
  RT_OP_CHANGE
} rt_op;

/* Which of the tasks that are ready run first; see task/ready.h. */
typedef enum rt_priority { RT_NORMAL, RT_HIGH, RT_IDLE, RT_PRIORITIES } rt_priority;

/* What the field 'waits_on' of a parked task points to. */
typedef enum rt_wait_kind {
  RT_WAIT_OTHER,  /* depends on the operation */
  RT_WAIT_WAITER, /* an rt_waiter (event/waiter.h) */
  RT_WAIT_CLAIM   /* an rt_claim (event/waiter.h) */
} rt_wait_kind;

/* Why a parked task is resumed. */
typedef enum rt_cause {
  RT_FIRED,    /* what it waited for has happened, or may have: the operation is tried again */
  RT_WITHDRAWN /* the wait was withdrawn: a cancel, or a deadline that has passed */
} rt_cause;

/* How the result of a task that has ended is kept. */
typedef enum rt_result {
  RT_RESULT_NONE, /* no value */
  RT_RESULT_BOOL, /* in the record, like the next two */
  RT_RESULT_INTEGER,
  RT_RESULT_NUMBER,
  RT_RESULT_KEPT, /* one value, in a table of the Lua state (run/outcome.h) */
  RT_RESULT_LIST, /* several values, in the same table */
  RT_RESULT_NOMEM /* it failed, and there was no memory for the error */
} rt_result;

/* A lock that a task holds (rt.mutex). It is released when the task ends, at the latest. */
typedef struct rt_held_lock {
  rt_list link;                           /* in held_locks of the task */
  void (*release)(struct rt_held_lock *); /* called when the task ends; it is in no list then */
} rt_held_lock;

/* The fields that few tasks need. */
typedef struct rt_more {
  rt_list joiners;                       /* parked tasks of this state that join this one */
  rt_list held_locks;                    /* rt_held_lock */
  struct rt_cancel_scope *cancel_scopes; /* the open ones, the innermost first */
  struct rt_job *job;                    /* of a task of the pool; else NULL */
  struct rt_task_name *task_name; /* NULL: it has none, or is a job, which has the name itself */
  struct rt_group *group;         /* of which it is a member of this state (a reference); or NULL */
  void (*leave_group)(struct rt_group *, uint64_t id, rt_phase); /* called when the task ends */
  uint32_t sockets;         /* a job: streams and listeners it got, less those it closed */
  uint32_t cancel_site;     /* where it was cancelled (worker/call_site.h); 0: not known */
  rt_escalation escalation; /* of the errors that a cancel or a timeout raised in it */
} rt_more;

typedef struct rt_task {
  union {
    rt_timer timer; /* asleep */
    struct {
      rt_list link; /* in the list of what it waits for, or in the ready queue */
      union {
        void *waits_on;  /* waiting: see wait_kind */
        uint64_t owed;   /* ready, and 'is_later': see task/ready.h */
        uint32_t args;   /* queued: how many arguments it has */
        int64_t integer; /* ended: its result, for RT_RESULT_INTEGER and RT_RESULT_BOOL */
        double number;   /* ended: its result, for RT_RESULT_NUMBER */
      };
    };
  };
  struct lua_State *co; /* its coroutine, from its first turn to its end */
  rt_more *more;        /* NULL until it is needed */
  union {
    struct {
      uint64_t id : 40;
      uint64_t site : 23; /* where it was spawned (worker/call_site.h) */
    };
    uint64_t title; /* both in one word; its last bit is RT_TITLE_SEEN (diag/worker_registry.h) */
  };
  uint64_t since : 32;     /* when it was suspended last (rt_driver_timestamp of event/driver.h) */
  uint64_t phase : 3;      /* rt_phase */
  uint64_t op : 5;         /* rt_op */
  uint64_t cause : 1;      /* rt_cause */
  uint64_t result : 3;     /* rt_result */
  uint64_t cancelled : 1;  /* every checkpoint raises an error, except under a shield */
  uint64_t alert : 1;      /* the next checkpoint must see whether it has to raise an error */
  uint64_t is_main : 1;    /* the main chunk, which is not a coroutine */
  uint64_t is_handler : 1; /* runs the function of rt.on_unhandled */
  uint64_t is_proxy : 1;   /* not a task: part of an rt.select, wakes its task (lib/operation.h) */
  uint64_t is_job : 1;     /* a task of the pool: has more->job */
  uint64_t is_exposed : 1; /* the program may hold its coroutine: no other task gets that */
  uint64_t wait_kind : 2;  /* rt_wait_kind */
  uint64_t is_later : 1;   /* it is in a list of tasks that others precede (task/ready.h) */
  uint64_t priority : 2;   /* rt_priority */
} rt_task;

void rt_task_init(rt_task *t, uint64_t id);

static inline bool rt_task_has_ended(const rt_task *t) { return t->phase >= RT_DONE; }
const char *rt_phase_name(rt_phase p);
const char *rt_task_status(const rt_task *t);
const char *rt_task_waits_for(const rt_task *t); /* the operation; NULL: it is not parked */

/* Returns t->more, and makes it if there is none. NULL: no memory. */
rt_more *rt_task_more(rt_task *t);

/* Takes the cancel of a task back. */
static inline void rt_task_uncancel(rt_task *t) {
  t->cancelled = 0;
  t->alert = 0;
  if (t->more) rt_escalation_reset(&t->more->escalation);
}

/* Parks the running task in a list. The caller must suspend its coroutine now. */
static inline void rt_task_park(rt_task *t, rt_op op, void *waits_on, rt_list *list) {
  rt_assert(t->phase == RT_RUNNING && rt_list_is_empty(&t->link));
  t->phase = RT_WAITING;
  t->op = op;
  t->waits_on = waits_on;
  t->wait_kind = RT_WAIT_OTHER;
  rt_list_append(list, &t->link);
}
/* Parks the running task until the tick 'due' of the wheel. */
void rt_task_sleep(rt_task *t, rt_wheel *wheel, uint64_t due);

/* Removes a parked task from what it waits on; it is running then. */
static inline void rt_task_unpark(rt_task *t, rt_cause cause) {
  rt_assert(t->phase == RT_WAITING);
  rt_list_remove(&t->link);
  t->phase = RT_RUNNING;
  t->cause = cause;
}

/* Removes a parked task from what it waits on, and appends it to a list of the ready queue.
** (Callers use rt_driver_wake.) */
static inline void rt_task_wake(rt_task *t, rt_list *ready, rt_cause cause) {
  rt_task_unpark(t, cause);
  rt_list_append(ready, &t->link);
}

/* Releases the locks that a task holds; called before its end becomes known. */
void rt_task_release_locks(rt_task *t);

/* Ends a task: releases its locks, appends its joiners to 'ready', leaves its group, frees
** 'more'. */
void rt_task_end(rt_task *t, rt_list *ready, rt_phase how);

#endif
