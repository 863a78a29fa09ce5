/* sched/job.h - a task of a pool, as every thread knows it. (In the Lua API a job is a task.)
**
** Until it starts, a job is a message: a function and its arguments. One worker starts it and runs
** it to its end as a task of its own (run/job_entry.h). Its outcome, the results or the error, is a
** message again, which any number of joiners on any threads unpack. The phase changes only under
** the lock of the job, so of a start and a cancel, or of an end and a cancel, exactly one comes
** first. spec/model/job.c checks this.
*/
#ifndef RT_SCHED_JOB_H
#define RT_SCHED_JOB_H

#include "event/waiter.h"
#include "sched/group.h"
#include "sched/runtime.h"

typedef struct rt_job {
  rt_shared shared;
  /* fixed */
  uint64_t id;
  rt_runtime *runtime; /* held */
  const char *site;    /* where it was spawned: "file.lua:12" */
  rt_priority priority;
  /* under the lock of the run queue that it is in */
  rt_list link;
  /* the creator's thread; then the thread that starts the job, or cancels it in the queue */
  rt_message *call; /* function and arguments; NULL once unpacked or dropped */
  /* worker's thread: of the worker that runs it */
  rt_task *task;
  rt_message *result; /* results or error, already packed when the task ends */
  /* under the lock */
  rt_lock lock;
  rt_phase phase;                 /* queued, running, or how it ended */
  rt_driver *driver;              /* of the worker that runs it; NULL: none does */
  rt_list joiners;                /* waiters */
  bool handled;                   /* a task has joined it, or its error was reported */
  rt_message *reason;             /* of the cancel, and the source line; NULL: none */
  const char *error_text;         /* static text of an error that could not be packed; or NULL */
  struct rt_task_name *task_name; /* NULL: it has no name */
  rt_post cancel_post;            /* to 'driver': it was cancelled */
  /* atomic */
  rt_atomic(bool) cancelled; /* set under the lock */
  rt_atomic(bool) waits;     /* its task is parked */
  /* fixed once the phase is done or failed */
  rt_message *outcome; /* the results; or the error, its traceback and the title of the task */
  /* see rt_group_member */
  rt_group_member member;
  /* see rt_failure_record */
  rt_failure_record failure;
} rt_job;

/* Any thread: the 'free' of a job's kind. */
void rt_job_free(rt_shared *shared);

/* Any thread. Takes over the message. NULL: no memory; the message stays with the caller. */
rt_job *rt_job_new(const rt_shared_kind *kind, rt_runtime *r, uint64_t id, const char *site,
                   rt_message *call);

static inline rt_job *rt_job_of(rt_shared *shared) {
  return rt_containerof(shared, rt_job, shared);
}
static inline void rt_job_hold(rt_job *j) { rt_shared_hold(&j->shared); }
static inline void rt_job_drop(rt_job *j) { rt_shared_drop(&j->shared); }

/* Worker's thread. True: the job runs here from now on; when it is cancelled, on_cancel is
** delivered to 'driver' with a reference to the job. False: it was cancelled before. */
bool rt_job_begin(rt_job *j, rt_driver *driver, void (*on_cancel)(rt_post *, void *));

/* Worker's thread, once: the job has ended as 'how'. Takes over 'outcome' (or NULL), calls the
** joiners, and removes the job from its group. The failure of a failed job is recorded before
** joiners are called. error_text: static text of an error that could not be packed, or NULL. */
void rt_job_end(rt_job *j, rt_phase how, rt_message *outcome, const char *error_text);

/* The same for a job that rt_job_begin has begun, but whose function was never called. */
void rt_job_end_not_started(rt_job *j, rt_phase how, const char *error_text);

/* Any thread. Cancels the job: a job in a queue ends at once; a job that runs gets cancel_post.
** Takes over the message (the reason, or NULL). False: the job has ended before. */
bool rt_job_cancel(rt_job *j, rt_message *reason);

/* Any thread: queued, running, or how the job ended. */
rt_phase rt_job_phase(rt_job *j);
/* Any thread. The phase for display: RT_WAITING if the job runs and its task is parked. */
rt_phase rt_job_status(rt_job *j);
/* Worker's thread: the task was parked, or is resumed. */
static inline void rt_job_set_waiting(rt_job *j, bool waits) {
  rt_store_relaxed(&j->waits, waits); /* (relaxed: for display only) */
}
/* Any thread, also in signal handlers. */
static inline bool rt_job_was_cancelled(rt_job *j) { return rt_load(&j->cancelled); }
/* Any thread. Was the job cancelled, or is its group cancelling all members, so that it will be? */
bool rt_job_is_cancelling(rt_job *j);

/* The waiter's thread. True: the job has ended. False: the waiter is in the queue of joiners, and
** is called when the job ends. */
bool rt_job_await(rt_job *j, rt_waiter *waiter);

/* Any thread, before it uses or reports the error. True: this is the first such call. */
bool rt_job_set_handled(rt_job *j);

/* Any thread. NULL: no name. 0 or UV_ENOMEM. */
int rt_job_set_name(rt_job *j, const char *name);
/* Any thread. Copies the name, cut to fit. False: it has none. */
bool rt_job_get_name(rt_job *j, char *name, size_t size);

#endif
