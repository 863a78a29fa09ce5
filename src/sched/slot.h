/* sched/slot.h - the slots of a scheduler: threads are started for them, and end.
**
** A slot is the place of a worker. It gets a thread when there is a job and no worker is idle. The
** thread makes a worker and attaches it. If the worker cannot be made, the slot becomes empty again
** and is tried later. slot.c says why no job is lost then.
**
** The records are here, and not in sched.h, since both files use them. What takes jobs from the
** queues of the slots, and the idle bits, are in sched.h. "Any thread" below means: any thread that
** holds a reference to the scheduler.
*/
#ifndef RT_SCHED_SLOT_H
#define RT_SCHED_SLOT_H

#include "sched/runq.h"

enum { RT_SLOTS_MAX = 256 };

typedef enum rt_slot_state {
  RT_SLOT_EMPTY,   /* it has no thread: none was started, or its worker could not be made */
  RT_SLOT_STARTED, /* its thread has been started and has not called rt_slot_end */
  RT_SLOT_ENDED    /* its thread has called rt_slot_end; a slot is not started twice */
} rt_slot_state;

/* What a worker knows of another one that has jobs in its queue (sched/balance.h). */
typedef struct rt_observed {
  struct rt_slot *slot; /* whose queue; NULL: none is observed */
  unsigned taken;       /* rt_runq_taken, when that has changed last */
  uint64_t since;       /* rt_clock then */
  uint64_t first;       /* rt_clock, when it was observed first, or this worker was busy last */
  uint64_t looked;      /* rt_clock_coarse, when this worker, which was busy, has looked last */
  rt_timer_call alarm;  /* ends a park of the worker that has declined to steal */
} rt_observed;

typedef struct rt_slot {
  /* fixed */
  struct rt_sched *sched;
  int number; /* index in sched->slots */
  /* any thread, under the lock of the queue */
  rt_runq queue;
  rt_runq pinned; /* jobs for this worker only: they are not stolen */
  /* worker's thread */
  rt_atomic(int) load; /* tasks that have not ended, as of its last turn; any thread reads it */
  rt_observed observed;
  int asked;            /* the slot at which rt_balance_better_slot has looked last */
  rt_counters counts;   /* of the worker (rt.metrics) */
  rt_vthread vthread;   /* its thread in virtual time (base/virtual_time.h) */
  bool in_virtual_time; /* vthread is in use */
  /* under the lock of the scheduler */
  rt_slot_state state;
  rt_thread thread;
  unsigned failures; /* those of the scheduler when the thread was started */
  /* under the lock of 'queue' */
  bool stop_posted;
  rt_post stop_post; /* to the worker: it has to end */
  bool collect_posted;
  rt_post collect_post; /* to the worker: it has to collect its garbage */
  rt_post ended_post;   /* to the main worker: this worker has ended */
} rt_slot;

typedef struct rt_sched_config {
  int slots;      /* 1 to RT_SLOTS_MAX */
  bool exclusive; /* a worker takes no job while it has a task: its tasks may block the thread */
  int queue_max;  /* bound of the jobs in all queues together; 0: bounded by memory only */
  size_t stack;   /* bytes, of each thread */
  /* Called on the slot's thread. Calls rt_slot_end or rt_slot_fail last: after that the slot may
  ** belong to another thread. */
  void (*run_worker)(rt_slot *);
  void (*on_stop)(rt_post *, void *);    /* stop_post, delivered on the worker's thread */
  void (*on_collect)(rt_post *, void *); /* collect_post, delivered on the worker's thread */
  void (*on_ended)(rt_post *, void *);   /* ended_post, delivered on the main worker's thread */
  rt_runtime *runtime;                   /* a reference that the scheduler takes over */
  void *worker_config;                /* what the workers' states are made from; taken over, too */
  void (*free_worker_config)(void *); /* NULL: nothing to free */
} rt_sched_config;

typedef struct rt_sched {
  rt_shared shared;
  /* fixed */
  rt_sched_config config;
  /* atomic */
  rt_atomic(uint64_t) idle[RT_SLOTS_MAX / 64]; /* one bit for each slot: its worker is idle */
  rt_atomic(int) started;                      /* slots[0 … started - 1] have had a thread */
  rt_atomic(int) live;            /* slots in RT_SLOT_STARTED; written under the lock */
  rt_atomic(int) queued;          /* jobs in all queues */
  rt_atomic(unsigned) next_queue; /* round-robin: where the search for the shortest queue begins */
  rt_atomic(int) stealing;        /* workers that are stealing at this moment */
  rt_atomic(int) steal_pauses;    /* while it is not 0, no worker steals */
  rt_atomic(bool) stopping;       /* written under the lock */
  /* under the lock */
  rt_lock lock;
  struct rt_sched *peer; /* the other pool of the runtime, held; NULL after rt_sched_close */
  rt_list space_waiters; /* waiters for space in the queues */
  uint64_t retry_at;     /* clock; a worker could not be made: no other is before; 0: none failed */
  unsigned failures;     /* how often a worker could not be made */
  bool retry_is_due;     /* the main worker has retry_post, or has set the timer 'retry' */
  rt_post retry_post;    /* to the main worker: it has to set 'retry' */
  /* main worker's thread */
  rt_timer_call retry; /* tries again to start threads for queued jobs */
  rt_slot slots[];
} rt_sched;

static inline rt_sched *rt_sched_hold(rt_sched *s) {
  rt_shared_hold(&s->shared);
  return s;
}
static inline void rt_sched_drop(rt_sched *s) { rt_shared_drop(&s->shared); }

/* Any thread. Starts a worker if there is none. 0; UV_ECANCELED: it is stopping; or why no thread
** could be started. */
int rt_sched_start(rt_sched *s);
/* The same for the first 'count' slots: each gets a thread, unless it has one. */
int rt_sched_start_slots(rt_sched *s, int count);
/* Main worker. The number of threads that have been started and have not called rt_slot_end. */
int rt_sched_live(rt_sched *s);

/* Any thread, after a job was queued for which no worker is idle: starts a thread if a slot is
** empty. If that fails, another worker may take the job, or a thread is started later; if there is
** no other worker, the job fails. */
void rt_slot_start_for_job(rt_sched *s);
/* Any thread: no thread could be started for the slot, so its pinned jobs fail with this error.
** (If it has a thread by now, nothing is done.) */
void rt_slot_fail_pinned_jobs(rt_slot *slot, int err);
/* Under the lock of the scheduler. A slot that has no thread; NULL: none. */
rt_slot *rt_slot_find_empty(rt_sched *s);
/* Main worker, once, in rt_sched_new: prepares retry_post and 'retry'. */
void rt_slot_init_retry(rt_sched *s);
/* Under the lock of 'queue'. Posts stop_post to the slot's worker, if it is attached, unless that
** was done before. */
void rt_slot_post_stop(rt_slot *slot);

/* Worker's thread, in this order: attach once; enter_idle and leave_idle around each park; detach
** (these three: sched.h) and end once. A worker that could not be made calls only rt_slot_fail. */
/* From this call on the driver is rung when the slot is idle and there is a job, and gets the
** stop_post (at once if the scheduler is stopping already). */
void rt_slot_attach(rt_slot *slot, rt_driver *d);
/* Any thread: is its worker made, and attached? */
bool rt_slot_is_attached(rt_slot *slot);
/* The last call of the worker, when the scheduler is stopping. Closes its pinned queue and, if it
** is the last worker, all queues. Their jobs are cancelled. */
void rt_slot_end(rt_slot *slot);
/* The same for a worker that could not be made, for this reason. If no other worker is left, the
** queued jobs fail. The slot is empty then, and is tried again by the next submit if no worker is
** left; else after 100 ms, by a submit, or by the main worker if a job is queued. True: this is to
** be reported, since it is the first failure, or the first after a worker could be made. */
bool rt_slot_fail(rt_slot *slot, const char *why);

#endif
