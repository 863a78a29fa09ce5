/* sched/sched.h - the workers together: who takes a job, who is idle, whom to wake.
**
** A scheduler has a fixed number of slots; a slot gets a thread with a worker when there
** is more to do than those before it can take.  Each has a queue of jobs; whoever runs out
** of work takes from the others.
**
** A worker that finds nothing says that it is idle and looks once more at every queue
** before it sleeps; whoever adds a job looks for an idle worker afterwards.  Whichever
** comes second sees the other, so no job is left lying.  One job wakes one worker, and one
** that is awake is never rung.
**
** There are two: the pool, one slot a core, and the blocking one, whose workers run one job
** at a time.  Both live as long as anybody holds them, which may be longer than the main
** state: a thread in a C call that does not return cannot be ended.
*/
#ifndef RT_SCHED_SCHED_H
#define RT_SCHED_SCHED_H

#include "sched/runq.h"

enum { RT_SLOTS_MAX = 256 };

typedef enum rt_slot_state { RT_SLOT_EMPTY, RT_SLOT_STARTED, RT_SLOT_ENDED } rt_slot_state;

typedef struct rt_slot {
  /* fixed */
  struct rt_sched *sched;
  int number;
  /* any thread */
  rt_runq queue;
  rt_runq pinned; /* jobs for this worker, which nobody steals */
  /* written by its worker */
  rt_atomic(int) load; /* tasks that have begun and not ended, about */
  rt_counters counts;
  rt_vthread vthread;
  bool in_virtual_time; /* by the virtual clock */
  /* under the scheduler's lock */
  rt_slot_state state;
  rt_thread thread;
  /* under the queue's lock */
  bool stop_posted;
  rt_post stop_post;  /* to the worker: it is to end */
  rt_post ended_post; /* to the main worker: it has */
} rt_slot;

typedef struct rt_sched_config {
  int slots;
  bool exclusive; /* a worker runs one job at a time: they block */
  int queue_max;  /* jobs waiting in all queues; 0: as many as there is memory for */
  size_t stack;
  void (*run_worker)(rt_slot *);       /* runs on the slot's thread, to its end */
  void (*on_stop)(rt_post *, void *);  /* delivered to a worker that is to end */
  void (*on_ended)(rt_post *, void *); /* delivered to the main worker when one has */
  rt_runtime *runtime;                 /* of the main worker */
  void *worker_config;                 /* what every worker's state is made by */
  void (*free_worker_config)(void *);
} rt_sched_config;

typedef struct rt_sched {
  rt_shared shared;
  /* fixed */
  rt_sched_config config;
  /* atomic */
  rt_atomic(uint64_t) idle[RT_SLOTS_MAX / 64];
  rt_atomic(int) started; /* slots that have, or get, a thread */
  rt_atomic(int) queued;
  rt_atomic(unsigned) next_queue; /* where the search for a queue begins */
  rt_atomic(int) stealing;        /* workers that are stealing right now */
  rt_atomic(int) steal_pauses;    /* while there is one, nobody does */
  rt_atomic(bool) stopping;
  /* under lock */
  rt_lock lock;
  struct rt_sched *peer; /* the other pool of the runtime, held; NULL: the main worker has gone */
  rt_list space_waiters; /* waiters: for room in the queues */
  rt_slot slots[];
} rt_sched;

rt_sched *rt_sched_new(const rt_sched_config *config); /* NULL: no memory */
static inline rt_sched *rt_sched_hold(rt_sched *s) {
  rt_shared_hold(&s->shared);
  return s;
}
static inline void rt_sched_drop(rt_sched *s) { rt_shared_drop(&s->shared); }

/* The main worker, once: each can be found through the other. */
void rt_sched_pair(rt_sched *a, rt_sched *b);
/* any thread: a new reference, or NULL */
rt_sched *rt_sched_peer(rt_sched *s);

/* any thread: at least one worker is there, or the reason why not. */
int rt_sched_start(rt_sched *s);

/* any thread, 'own' its slot or NULL: queues the job, with the caller's reference.
** Without an own slot: to the one with the least to do.
** 0; UV_EAGAIN: too many are queued already; UV_ECANCELED: it is stopping; UV_ENXIO: no
** thread could be started. */
int rt_sched_submit(rt_sched *s, rt_job *j, rt_slot *own);
/* The same, for the worker of this slot alone. */
int rt_sched_submit_to(rt_sched *s, rt_job *j, int slot);
/* The waiter is called when there is room; true: there is now.  'again': it keeps its place.
** Whoever was called passes that on before anything may keep it from submitting. */
bool rt_sched_await_space(rt_sched *s, rt_waiter *t, bool again);
void rt_sched_notify_space(rt_sched *s);

/* The slot's worker: the next job for it, or NULL.  'steal': it has nothing else to do. */
rt_job *rt_sched_take(rt_slot *slot, bool steal);

/* any thread, not for long: in between no job goes from one queue to another, so that who looks at
** all of them misses none. */
void rt_sched_pause_stealing(rt_sched *s);
void rt_sched_resume_stealing(rt_sched *s);

/* Is there one, for it or to be stolen?  A glance. */
bool rt_sched_has_job(rt_slot *slot);

/* The slot's worker: it is up; it may sleep, if there is nothing to take; it has woken, and
** is busy if it has something to do before it takes a job; it closes, and nobody rings it any
** more; it has gone. */
void rt_slot_attach(rt_slot *slot, rt_driver *d);
bool rt_slot_enter_idle(rt_slot *slot);
void rt_slot_leave_idle(rt_slot *slot, bool busy);
void rt_slot_detach(rt_slot *slot);
void rt_slot_end(rt_slot *slot);

/* any thread, while all workers are still (event/active_threads.h): no post is on its way to one of them, and
** there is no job that one of them could begin. */
bool rt_sched_is_quiescent(rt_sched *s);
/* any thread: calls 'f' for every worker that is up; it cannot go meanwhile. */
void rt_sched_each_worker(rt_sched *s, void (*f)(rt_slot *, rt_driver *, void *), void *arg);

/* The main worker: everyone is to end; how many have not yet; the main worker goes. */
void rt_sched_stop(rt_sched *s);
int rt_sched_live(rt_sched *s);
void rt_sched_close(rt_sched *s);

#endif
