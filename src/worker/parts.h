/* worker/parts.h - the parts of a worker's record.
**
** Each part has one owner, which is named above it: a file, or a file and its header. No other file
** assigns to its fields, or takes their address, but may read them, or call functions of the owner.
** Where fields are named behind a file, it changes only these. spec/parts_spec.lua checks it. All
** of it belongs to the worker's thread.
*/
#ifndef RT_WORKER_PARTS_H
#define RT_WORKER_PARTS_H

#include "base/cpu_timer.h"
#include "base/list.h"
#include "task/task.h"

#include <lua.h>
#include <signal.h>

struct rt_worker;

/* Why the running coroutine yields. */
typedef enum rt_yield {
  RT_YIELD_USER,      /* a value for the code that resumed the coroutine */
  RT_YIELD_WAIT,      /* the task was parked, or put into the ready queue */
  RT_YIELD_PREEMPTED, /* the task computes, and is resumed in the next turn; see run/preempt.c */
  RT_YIELD_FINAL      /* the task is not resumed again */
} rt_yield;

/* What runs now. The signal handlers read 'co'.
** Changed by run/current.h. */
typedef struct rt_worker_current {
  rt_task *task;          /* the task whose code runs, main included; NULL: the worker's own code */
  lua_State *volatile co; /* the innermost coroutine whose code runs; NULL: none */
  bool blocked;           /* a resume or close between 'task' and 'co' cannot pass a yield on */
  rt_yield yield;         /* the yield that is under way */
} rt_worker_current;

/* The progress of the loop.
** Changed by run/loop.c. */
typedef struct rt_worker_loop {
  unsigned slices;    /* resumes of tasks so far */
  unsigned polled_at; /* value of 'slices' at the last poll */
  /* of tasks that compute (task/ready.h) */
  uint64_t computed_at;     /* rt_clock_coarse, when one was switched last */
  uint64_t idle_at;         /* when a task of idle priority has run last, or none was ready */
  uint64_t computing_since; /* rt_clock_thread, when the one that runs was resumed; 0: none does */
} rt_worker_loop;

/* One iteration of the loop, and the task that runs in it.
** Changed by worker/worker.h. */
typedef struct rt_worker_turn {
  int budget;   /* operations that the running task may still do before it yields to others */
  bool yielded; /* a task yielded in this turn, so the turn must end with a poll */
} rt_worker_turn;

/* The end of a task.
** Changed by run/task_entry.c. */
typedef struct rt_worker_task_entry {
  rt_phase ended_as; /* how the task that has just returned ended */
} rt_worker_task_entry;

/* The tasks of this worker.
** Changed by worker/worker.h. */
typedef struct rt_worker_tasks {
  int64_t live; /* tasks that have not ended, without main */
} rt_worker_tasks;

/* The end of rt in this state.
** Changed by worker/worker.c (closed), worker/worker.h (begun, state_closes). */
typedef struct rt_worker_stop {
  bool begun;        /* the main chunk has ended, or the worker was asked to stop: no new tasks */
  bool state_closes; /* lua_close has begun: objects made from now on are never finalized */
  bool closed;       /* the driver has been closed: no operation can be started */
} rt_worker_stop;

/* The end of a pool worker.
** Changed by run/unwind.c. */
typedef struct rt_worker_unwind {
  bool requested;  /* its scheduler has posted stop_post */
  bool grace_over; /* tasks that have not unwound by now are closed */
} rt_worker_unwind;

/* rt.shutdown.
** Changed by run/shutdown.c (deadline), run/shutdown.h (ended_main). */
typedef struct rt_worker_shutdown {
  uint64_t deadline; /* when everything is to have ended (rt_clock); 0: not called */
  bool ended_main;   /* it has ended the main chunk, which is no error */
} rt_worker_shutdown;

/* The time that tasks have to end.
** Changed by run/grace_timer.h. */
typedef struct rt_worker_grace_timer {
  rt_timer_call call;
} rt_worker_grace_timer;

/* The wait of the main chunk for the end of everything else.
** Changed by run/end_wait.c (given_up), run/end_wait.h (main_waits). */
typedef struct rt_worker_end_wait {
  bool main_waits; /* the main task sleeps until the last task has ended */
  bool given_up;   /* only workers that are blocked in a call are left: there is no more waiting */
} rt_worker_end_wait;

/* Pool workers that are blocked in a system call.
** Changed by run/blocked.c. */
typedef struct rt_worker_blocked {
  uint64_t checked_at; /* clock: the last check before the end of the main chunk */
} rt_worker_blocked;

/* The exit code of the process, and os.exit.
** Changed by run/exit.c (has_code, requested, code), run/exit.h (has_code, requested, failed). */
typedef struct rt_worker_exit {
  bool has_code;  /* os.exit was called: 'code' is its argument */
  bool requested; /* os.exit was called in a task: the main worker has still to end the process */
  bool failed;    /* an error was not handled: the exit code is 1 unless os.exit says otherwise */
  int code;
} rt_worker_exit;

/* Failures of local tasks that no task has joined.
** Changed by run/outcome.c. */
typedef struct rt_worker_failures {
  int unjoined; /* how many there are */
  rt_list late; /* those that are told after a while (run/unjoined.h), the oldest first */
  int count;    /* how many are in the queue RT_ANCHOR_UNHANDLED */
  int taken;    /* how many were taken from the queue since it was empty: the index of the last */
} rt_worker_failures;

/* When such a failure, or that of a job, has been left for long.
** Changed by run/unjoined.c. */
typedef struct rt_worker_unjoined {
  rt_timer_call timer; /* fires when the oldest one may have to be told */
  bool watched;        /* the timer is set, or has fired */
  bool due;            /* it has fired */
} rt_worker_unjoined;

/* The search for such failures, for what keeps tasks waiting although it is garbage, for
** descriptors that are garbage, and for what connections have left behind.
** Changed by run/idle_gc.c, run/idle_gc.h (cycles). */
typedef struct rt_worker_idle_gc {
  int cycles;          /* collections that an idle worker still has to make */
  bool at_once;        /* a complete collection has to be made before the worker blocks */
  bool has_sentinel;   /* an object of RT_CLASS_GC_SENTINEL is waiting to be collected */
  int sockets_left;    /* since a collection was requested for them */
  uint64_t full_after; /* rt_clock: no full collection before that; 0: none has been made */
  uint64_t sockets;    /* driver.sockets after the last full collection */
} rt_worker_idle_gc;

/* The guards of mutexes that tasks of this state have, and had.
** Changed by lib/sync/guards.c. */
typedef struct rt_worker_guards {
  struct rt_guard_slot *all;  /* each slot that was made */
  struct rt_guard_slot *free; /* those without a guard */
  int count;                  /* of 'all' */
  bool has_sentinel;          /* an object of RT_CLASS_GUARD_SENTINEL is waiting to be collected */
} rt_worker_guards;

/* Errors that no task can join. (worker.c makes the lists empty, so that a worker that is not
** complete can be closed.)
** Changed by run/unhandled.c, worker/worker.c (jobs, unfinalized). */
typedef struct rt_worker_unhandled {
  bool directly;       /* the program has ended: errors are reported one by one, not by a task */
  rt_list jobs;        /* jobs with an error that no task can join any more */
  rt_list unfinalized; /* jobs whose handle was made when lua_close had begun */
} rt_worker_unhandled;

/* Signals that ask the program to end. Written by the signal handlers.
** Changed by run/signals.c, run/signals.h (noticed). */
typedef struct rt_worker_signals {
  volatile sig_atomic_t interrupted; /* the one that asked the main chunk to end; 0: none */
  volatile sig_atomic_t noticed;     /* the main chunk has got the error of it */
  volatile sig_atomic_t over;        /* the grace is over: the main chunk is ended where it is */
  volatile sig_atomic_t interrupts;  /* ticks that may have interrupted a call that blocks */
} rt_worker_signals;

/* Deadlocks.
** Changed by run/deadlock.c, run/deadlock.h (reports). */
typedef struct rt_worker_deadlock {
  bool suspected;     /* the main worker is to check for a deadlock before it blocks again */
  bool to_raise;      /* the wait of the main task is to raise the error */
  int reports;        /* deadlocks reported so far */
  uint64_t collected; /* resumes of all workers when all had to collect garbage, + 1; 0: never */
} rt_worker_deadlock;

/* The last error that a join raised again.
** Changed by worker/traceback.c. */
typedef struct rt_worker_traceback {
  unsigned slice; /* value of loop.slices when RT_ANCHOR_RAISED was set */
  bool complete;  /* its traceback needs nothing in front of it */
  int joined;     /* how many tracebacks it consists of, less one */
} rt_worker_traceback;

/* Numbers that are used once.
** Changed by worker/worker.c (last_task, block_end), worker/worker.h (last_scope). */
typedef struct rt_worker_ids {
  uint64_t last_task;  /* the last id that was given to a task */
  uint64_t block_end;  /* the last id of the block from which the worker takes ids */
  uint64_t last_scope; /* the last serial number of a cancel scope */
} rt_worker_ids;

/* Preemption. The signal handler reads and writes the volatile fields.
** Changed by run/preempt.c, run/preempt.h (switches_all, switches). */
typedef struct rt_preempt {
  rt_cpu_timer timer;
  bool started;            /* the timer runs, or is not needed, or cannot be had */
  bool switches_all;       /* tasks of the state are switched, too, not only those of the pool */
  volatile unsigned armed; /* the slice for which the hook was set */
  volatile unsigned seen;  /* the slice at the last signal */
  volatile unsigned skip;  /* signals that do nothing */
  volatile unsigned interrupts; /* signals that may have interrupted a call that blocks */
  uint64_t switches;            /* preemptions so far */
  unsigned watched;             /* the slice in which a C function prevented a switch last */
  int returns;                  /* how many returns were watched in that slice */
  int postponed;       /* instructions before which an error waited for a value to be marked */
  uint64_t ends_since; /* when the hook first saw that the program ends; 0: it has not */
} rt_preempt;

/* Stalls of its tasks, which a worker without a watchdog notices itself.
** Changed by run/own_stalls.c, run/own_stalls.h (since). */
typedef struct rt_worker_own_stalls {
  uint64_t since;    /* rt_clock_coarse: the slices that are looked at began later */
  uint64_t based_at; /* the same, when the next two were read; 0: never */
  uint64_t cpu;      /* CPU time of the thread, ns */
  uint64_t delay;    /* how long the thread had waited for a CPU, ns */
  bool has_base;     /* they are known */
  bool precise;      /* the beginning of each slice is noted */
  uint64_t began;    /* precise: when the last slice began, rt_clock */
  uint64_t title;    /* the title of its task */
  uint64_t longest;  /* ns: the longest slice since uv_run has resumed the first task */
  uint64_t culprit;  /* the title of its task */
  uint64_t told[8];  /* titles of the last tasks that were reported */
  unsigned reports;
} rt_worker_own_stalls;

/* A pool worker before its first job.
** Changed by host/preload.c. */
typedef struct rt_worker_preload {
  bool running;      /* the modules of rt.preload are being loaded: the worker takes no jobs */
  const char *error; /* why no job can run here: a preload failed; NULL: none did */
} rt_worker_preload;

/* What the files above worker/ do for it. The one table stands in host/luaopen.c. All of it is set
** before the worker runs, and rtL_worker_new checks that it is complete.
**
** The driver and the worker's status have copies of the first three, because event/ and diag/ call
** them and may not know the worker, so they cannot look them up in this table. */
typedef struct rt_worker_hooks {
  /* run/loop.c: runs one task until it waits or ends. Called by the driver for an event on a
  ** socket. */
  void (*run)(struct rt_driver *, rt_task *);
  /* run/deadlock.c: the worker is about to block, and every other thread of the runtime has.
  ** Returns false to keep it from blocking. */
  bool (*on_stillness)(struct rt_driver *);
  /* run/inspect.c: an rt_snapshot_request has arrived in the mailbox. */
  void (*answer_snapshot)(struct rt_post *, void *driver);
  /* lib/task/select.c: the proxy task of a select's branch was woken. */
  void (*wake_select)(rt_task *proxy);
  /* run/preempt.c: makes the next instruction of the running task raise what is due. */
  void (*interrupt)(struct rt_worker *, lua_State *);
  /* run/stop.c: the main worker ends the process with exit.code. Does not return. */
  void (*leave)(struct rt_worker *, lua_State *);
  /* run/forked.c: this is a child of fork, and the worker's thread has forked. */
  void (*on_forked)(struct rt_worker *);
  /* host/close_sentinel.c: the main chunk is resumed while tasks live. */
  void (*on_main_resumed)(struct rt_worker *);
  /* host/pools.c: makes the pools of the main worker, at the first spawn. */
  void (*open_pools)(lua_State *, struct rt_worker *);
} rt_worker_hooks;

#endif
