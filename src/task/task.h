/* task/task.h - one task, as the worker that runs it sees it.
**
** A task is queued until it gets a coroutine; then it runs, or is parked: on a
** slot of the timer wheel or on the list of what it waits for.  It comes back by one
** road, rt_task_wake, which takes it off that list and lets it run in the next turn.
** It ends once: done, failed or cancelled.
**
** The record is the body of the Lua object that a program holds (its handle), and it
** is small because a million tasks may sleep.  What few tasks have is in 'more'.
** Nobody but the worker of its state touches it; other threads know a task as an
** rt_job.
*/
#ifndef RT_TASK_TASK_H
#define RT_TASK_TASK_H

#include "task/escalation.h"
#include "task/timer.h"

struct lua_State;

typedef enum rt_phase {
  RT_QUEUED,  /* has no coroutine yet */
  RT_RUNNING, /* runs, or may run in the next turn */
  RT_WAITING, /* parked */
  RT_DONE,    /* from here on it has ended, and never changes again */
  RT_FAILED,
  RT_CANCELLED
} rt_phase;

/* What a parked task waits for. */
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
  RT_OP_SPAWN, /* for room in the queue of spawn_blocking */
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

/* What 'on' points to, for those who must know. */
typedef enum rt_on {
  RT_ON_ELSE,   /* as the operation has it */
  RT_ON_WAITER, /* (event/waiter.h) */
  RT_ON_CLAIM
} rt_on;

/* Why a parked task goes on. */
typedef enum rt_cause {
  RT_FIRED,    /* what it waited for is there, or worth another look */
  RT_WITHDRAWN /* its wait was called off: it was cancelled, or a deadline passed */
} rt_cause;

/* What fits in the record of the result of a task that has ended. */
typedef enum rt_result {
  RT_RESULT_NONE, /* no value */
  RT_RESULT_BOOL,
  RT_RESULT_INTEGER,
  RT_RESULT_NUMBER,
  RT_RESULT_KEPT, /* one value, kept by the state (run/outcome.h) */
  RT_RESULT_LIST, /* several, likewise */
  RT_RESULT_NOMEM /* it failed, and there was no memory to say so */
} rt_result;

/* What a task has of a thing for which others wait; it ends with the task at the latest. */
typedef struct rt_held_lock {
  rt_list link;
  void (*lost)(struct rt_held_lock *); /* that has ended */
} rt_held_lock;

/* What only some tasks have, while they live. */
typedef struct rt_more {
  rt_list joiners;                       /* tasks of this state that wait for the end of this one */
  rt_list holds;                         /* locks */
  struct rt_cancel_scope *cancel_scopes; /* timeouts and shields that are open, innermost first */
  struct rt_job *job;             /* what it is to other threads, if it is a task of the pool */
  struct rt_task_name *task_name; /* its name; of a job: see there */
  struct rt_group *group;         /* whose local member it is, held; */
  void (*leave)(struct rt_group *, uint64_t id,
                rt_phase);  /* how it leaves that, when it has ended */
  uint32_t cancel_site;     /* who cancelled it, with rt_call_sites; 0: nobody said */
  rt_escalation escalation; /* of the errors that a cancel or a timeout raised in it */
} rt_more;

typedef struct rt_task {
  union {
    rt_timer timer; /* asleep */
    struct {
      rt_list link; /* on the list of what it waits for, or of those who may run */
      union {
        void *on;        /* waiting: what for */
        uint32_t args;   /* queued: how many values go with it */
        int64_t integer; /* ended: its result */
        double number;
      };
    };
  };
  struct lua_State *co; /* its coroutine, from its first turn to its end */
  rt_more *more;
  union {
    struct {
      uint64_t id : 40;
      uint64_t
          site : 23; /* where it was spawned (worker/call_site.h); the last bit is RT_TITLE_SEEN (diag/worker_registry.h) */
    };
    uint64_t title; /* all that, in one word */
  };
  uint64_t since : 32; /* when it gave control back last; see rt_driver_moment */
  uint64_t phase : 3;
  uint64_t op : 5;
  uint64_t cause : 1;
  uint64_t result : 3;
  uint64_t cancelled : 1;  /* every checkpoint raises, except under a shield */
  uint64_t alert : 1;      /* something for the next checkpoint to look at */
  uint64_t is_main : 1;    /* stands for the main chunk, which is no coroutine */
  uint64_t is_handler : 1; /* runs the function of rt.on_unhandled */
  uint64_t is_proxy : 1;   /* no task: of a select; it only wakes one (lib/operation.h) */
  uint64_t is_job : 1;     /* came from the pool: see more->job */
  uint64_t is_seen : 1;    /* the program holds its coroutine, which so cannot be another's */
  uint64_t on_what : 2;    /* waiting: rt_on */
} rt_task;

void rt_task_init(rt_task *t, uint64_t id);

static inline bool rt_task_ended(const rt_task *t) { return t->phase >= RT_DONE; }
const char *rt_phase_name(rt_phase p);
const char *rt_task_status(const rt_task *t);
const char *rt_task_waits_for(const rt_task *t); /* NULL: for nothing */

/* NULL when there is no memory */
rt_more *rt_task_more(rt_task *t);

/* It was cancelled, and goes on as if nothing had been. */
static inline void rt_task_forgive(rt_task *t) {
  t->cancelled = 0;
  t->alert = 0;
  if (t->more) rt_escalation_reset(&t->more->escalation);
}

/* The running task waits on a list; it must give control back now. */
static inline void rt_task_park(rt_task *t, rt_op op, void *on, rt_list *list) {
  rt_assert(t->phase == RT_RUNNING && rt_list_empty(&t->link));
  t->phase = RT_WAITING;
  t->op = op;
  t->on = on;
  t->on_what = RT_ON_ELSE;
  rt_list_append(list, &t->link);
}
/* … or until a tick. */
void rt_task_sleep(rt_task *t, rt_wheel *w, uint64_t due);

static inline void rt_task_unpark(rt_task *t, rt_cause cause) {
  rt_assert(t->phase == RT_WAITING);
  rt_list_remove(&t->link);
  t->phase = RT_RUNNING;
  t->cause = cause;
}

/* Takes a parked task off whatever it waits on, and puts it on the list of those who may
** run.  (See rt_driver_wake.) */
static inline void rt_task_wake(rt_task *t, rt_list *ready, rt_cause cause) {
  rt_task_unpark(t, cause);
  rt_list_append(ready, &t->link);
}

/* It has run to its end: what it held, it holds no more.  Before anyone hears of the end. */
void rt_task_release_locks(rt_task *t);

/* It has ended: those who waited for that go on. */
void rt_task_end(rt_task *t, rt_list *ready, rt_phase how);

#endif
