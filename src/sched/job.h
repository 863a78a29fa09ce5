/* sched/job.h - a task of the pool, as every thread knows it.
**
** Until it begins it is a message: a function and its arguments.  One worker begins it and
** runs it to its end as a task of its own (run/job_entry.h); what it ended with is a message again,
** which any number of joiners on any thread unpack.  The state word changes under the lock
** alone, so of a cancel and an end, or of a cancel and a beginning, exactly one comes first.
*/
#ifndef RT_SCHED_JOB_H
#define RT_SCHED_JOB_H

#include "sched/group.h"
#include "sched/runtime.h"
#include "event/waiter.h"

typedef struct rt_job {
  rt_shared shared;
  /* fixed */
  uint64_t id;
  rt_runtime *runtime; /* held */
  const char *site;    /* where it was spawned: "file.lua:12" */
  /* the lock of the queue that it is in */
  rt_list link;
  /* the thread that queues it, then the one that begins it, or cancels it before that */
  rt_message *call;
  /* home, where it runs */
  rt_task *task;
  rt_message *result; /* what it will have ended with */
  /* under 'lock' */
  rt_lock lock;
  rt_phase phase; /* queued, running, or how it ended */
  rt_driver *home;
  rt_list joiners; /* waiters */
  bool cancelled;
  bool handled;                   /* somebody has joined it, or its error was told */
  rt_message *reason;             /* of the cancel, and its source; may be NULL */
  const char *error_text;         /* it could not even be begun, or ended properly: static text */
  struct rt_task_name *task_name; /* its name; or NULL */
  rt_post cancel_post;            /* on its way home */
  /* atomic */
  rt_atomic(bool) waits; /* it runs, and its task waits for something */
  /* fixed once it has ended: the results; or the error, its traceback, the title */
  rt_message *outcome;
  /* the group's */
  rt_group_member member;
  /* the runtime's */
  rt_failure_record failure; /* of its error, until somebody has heard of it */
} rt_job;

void rt_job_free(rt_shared *t); /* of its kind */

/* Takes the message over.  NULL: no memory, and the message is the caller's still. */
rt_job *rt_job_new(const rt_shared_kind *kind, rt_runtime *o, uint64_t id, const char *site,
                   rt_message *call);

static inline rt_job *rt_job_of(rt_shared *t) { return rt_containerof(t, rt_job, shared); }
static inline void rt_job_hold(rt_job *j) { rt_shared_hold(&j->shared); }
static inline void rt_job_drop(rt_job *j) { rt_shared_drop(&j->shared); }

/* Home: it begins here, as this task; false: it was cancelled before. */
bool rt_job_begin(rt_job *j, rt_driver *home, void (*on_cancel)(rt_post *, void *));

/* Ends it, once, and lets the joiners go on.  The message becomes its outcome. */
void rt_job_end(rt_job *j, rt_phase how, rt_message *outcome, const char *excuse);

/* The same for one that was to begin, and could not. */
void rt_job_end_not_started(rt_job *j, rt_phase how, const char *excuse);

/* any thread: the message (the reason, or NULL) is taken over.  False: it had ended
** already. */
bool rt_job_cancel(rt_job *j, rt_message *reason);

rt_phase rt_job_phase(rt_job *j);
/* The same for those who look: one that runs may be waiting. */
rt_phase rt_job_status(rt_job *j);
/* Home: it waits; it goes on. */
static inline void rt_job_set_waiting(rt_job *j, bool waits) { rt_store_relaxed(&j->waits, waits); }
/* It has been cancelled, or is about to be, with its group. */
bool rt_job_is_cancelling(rt_job *j);

/* Joining.  True: it has ended; false: the waiter is in its queue. */
bool rt_job_await(rt_job *j, rt_waiter *t);

/* Somebody hears of its error; false: somebody has before. */
bool rt_job_mark_handled(rt_job *j);

int rt_job_set_name(rt_job *j, const char *name); /* NULL: none; 0 or UV_ENOMEM */
bool rt_job_get_name(rt_job *j, char *name, size_t size);

#endif
