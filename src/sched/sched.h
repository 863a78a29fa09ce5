/* sched/sched.h - a pool of workers: queues of jobs, stealing, and which worker to wake.
**
** A scheduler has a fixed number of slots. A slot gets a thread with a worker when a job is
** submitted and no worker is idle. Each slot has a queue of jobs that have not started. A worker
** takes the oldest job of its own queue; a worker that has nothing else to do steals half of the
** queue of another slot. A job that has started stays on its worker.
**
** A runtime has two schedulers: the pool for tasks, with one slot per CPU, and the pool for
** blocking jobs, whose workers run one job at a time. Both are reference-counted and may outlive
** the main state: a thread in a C call that does not return cannot be ended, and still uses its
** scheduler.
**
** "Any thread" below means: any thread that holds a reference to the scheduler. sched.c says how
** parking and submitting exclude a job that stays in a queue while all workers sleep.
*/
#ifndef RT_SCHED_SCHED_H
#define RT_SCHED_SCHED_H

#include "sched/runq.h"

enum { RT_SLOTS_MAX = 256 };

typedef enum rt_slot_state {
  RT_SLOT_EMPTY,   /* it has no thread: none was started, or its worker could not be made */
  RT_SLOT_STARTED, /* its thread has been started and has not called rt_slot_end */
  RT_SLOT_ENDED    /* its thread has called rt_slot_end; a slot is not started twice */
} rt_slot_state;

typedef struct rt_slot {
  /* fixed */
  struct rt_sched *sched;
  int number; /* index in sched->slots */
  /* any thread, under the lock of the queue */
  rt_runq queue;
  rt_runq pinned; /* jobs for this worker only: they are not stolen */
  /* worker's thread */
  rt_atomic(int) load;  /* tasks that have not ended, as of its last turn; any thread reads it */
  rt_counters counts;   /* of the worker (rt.metrics) */
  rt_vthread vthread;   /* its thread in virtual time (base/virtual_time.h) */
  bool in_virtual_time; /* vthread is in use */
  /* under the lock of the scheduler */
  rt_slot_state state;
  rt_thread thread;
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
  bool retry_is_due;     /* the main worker has retry_post, or has set the timer 'retry' */
  rt_post retry_post;    /* to the main worker: it has to set 'retry' */
  /* main worker's thread */
  rt_timer_call retry; /* tries again to start threads for queued jobs */
  rt_slot slots[];
} rt_sched;

/* Main worker. Copies the config. NULL: no memory; then the config's references stay with the
** caller. No thread is started yet. */
rt_sched *rt_sched_new(const rt_sched_config *config);
static inline rt_sched *rt_sched_hold(rt_sched *s) {
  rt_shared_hold(&s->shared);
  return s;
}
static inline void rt_sched_drop(rt_sched *s) { rt_shared_drop(&s->shared); }

/* Main worker, once, before a thread is started: makes the two schedulers of a runtime each
** other's peer. */
void rt_sched_pair(rt_sched *a, rt_sched *b);
/* Any thread. A new reference to the peer; NULL if the main worker has closed the scheduler. */
rt_sched *rt_sched_peer(rt_sched *s);

/* Any thread. Starts a worker if there is none. 0; UV_ECANCELED: it is stopping; or why no thread
** could be started. */
int rt_sched_start(rt_sched *s);
/* The same for the first 'count' slots: each gets a thread, unless it has one. */
int rt_sched_start_slots(rt_sched *s, int count);

/* Any thread, after rt_sched_start has returned 0. Queues the job and takes over the caller's
** reference; then wakes an idle worker, or else starts a thread if a slot is empty (if that fails,
** the main worker tries again every 100 ms while jobs are queued). 'own': the slot of the calling
** worker, whose queue gets the job; NULL: the slot with the least to do gets it. 0; UV_EAGAIN:
** queue_max is reached, or the queue is full; UV_ECANCELED: the scheduler is stopping. If it fails,
** the reference stays with the caller. (A job that finds no worker, since none can be made, is
** queued, and fails.) */
int rt_sched_submit(rt_sched *s, rt_job *j, rt_slot *own);
/* The same for the pinned queue of one slot. Starts threads until that slot has one; fails also if
** one of them cannot be started. */
int rt_sched_submit_to(rt_sched *s, rt_job *j, int slot);

/* Worker's thread, for a scheduler with a queue_max. True: there is space in the queues, and the
** waiter was not used. False: the waiter is in the queue of waiters for space; 'again': at the
** front, because its task has been called before and another task was faster. A task that was
** called has to call rt_sched_notify_space before it does anything that can keep it from submitting
** (such as ending because it was cancelled); otherwise the space that it was called for is lost
** for the waiters behind it. */
bool rt_sched_await_space(rt_sched *s, rt_waiter *waiter, bool again);
/* Any thread. If there is space in the queues, calls the first waiter for it. */
void rt_sched_notify_space(rt_sched *s);

/* Worker's thread. The next job for this slot, with a reference, or NULL. 'steal': the worker has
** no task that could run, so if its own queues are empty it may steal. */
rt_job *rt_sched_take(rt_slot *slot, bool steal);

/* Any thread. Between the two calls no job moves from one queue to another, so a thread that reads
** all queues misses none. The time between them must be short: no worker steals meanwhile. */
void rt_sched_pause_stealing(rt_sched *s);
void rt_sched_resume_stealing(rt_sched *s);

/* Any thread. Is there a job that this slot's worker could take or steal? Not exact: another worker
** may take it first. */
bool rt_sched_has_job(rt_slot *slot);

/* Worker's thread, in this order: attach once; enter_idle and leave_idle around each park; detach
** and end once. A worker that could not be made calls only rt_slot_fail. */
/* From this call on the driver is rung when the slot is idle and there is a job, and gets the
** stop_post (at once if the scheduler is stopping already). */
void rt_slot_attach(rt_slot *slot, rt_driver *d);
/* Any thread: is its worker made, and attached? */
bool rt_slot_is_attached(rt_slot *slot);
/* Before parking. True: the slot is idle, the worker may park and has to call rt_slot_leave_idle
** afterwards. False: there is a job; the slot is not idle. */
bool rt_slot_enter_idle(rt_slot *slot);
/* After parking. 'busy': the worker has tasks to run before it takes a job; if it was woken for a
** job, it then wakes another idle worker in its place. */
void rt_slot_leave_idle(rt_slot *slot, bool busy);
/* The driver is about to be closed: it is not rung any more, and gets no post from here. */
void rt_slot_detach(rt_slot *slot);
/* The last call of the worker, when the scheduler is stopping. Closes its pinned queue and, if it
** is the last worker, all queues. Their jobs are cancelled. */
void rt_slot_end(rt_slot *slot);
/* The same for a worker that could not be made, for this reason. If no other worker is left, the
** queued jobs fail. The slot is empty then, and is tried again by the next submit if no worker is
** left; else after 100 ms, by a submit, or by the main worker if a job is queued. True: this is to
** be reported, since it is the first failure, or the first after a worker could be made. */
bool rt_slot_fail(rt_slot *slot, const char *why);

/* Any thread, while all threads of the runtime are still (event/active_threads.h). Is the scheduler
** asleep? That is: the mailboxes of all its workers are asleep, and there is no job that a worker
** could take. Part of the search for a deadlock (run/deadlock.h). */
bool rt_sched_is_asleep(rt_sched *s);

/* Main worker. Posts collect_post to all workers, unless it is on its way already. */
void rt_sched_collect(rt_sched *s);
/* Worker's thread: collect_post has been delivered; returns its slot. */
rt_slot *rt_slot_collect_received(rt_post *p);

/* Any thread: how often tasks have been resumed on all workers. Exact while they are still. */
uint64_t rt_sched_resumes(rt_sched *s);

/* Main worker. Posts stop_post to all workers; jobs that have not started are cancelled when the
** last worker ends. A second call does nothing. */
void rt_sched_stop(rt_sched *s);
/* Main worker. The number of threads that have been started and have not called rt_slot_end. */
int rt_sched_live(rt_sched *s);
/* Main worker, last: joins the threads that have ended, detaches the others (they are in a C call
** that does not return), and drops the caller's reference. */
void rt_sched_close(rt_sched *s);

#endif
