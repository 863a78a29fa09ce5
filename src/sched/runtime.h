/* sched/runtime.h - what the threads of a runtime share: the link to its main worker.
**
** A runtime is a main state with the workers of its pools. Their threads reach the main worker
** through this object: to report that a worker has ended, that a task requests the end of the
** process or a shutdown, that the last thread has become still, or that a job has failed. The main
** worker may end before them. Then its driver is gone and nothing is delivered any more, but the
** object lives until its last holder drops it.
**
** Failed jobs: every job that fails is on the list of failures until a task joins it. If its last
** handle is dropped before that, the job is handed to the main worker, which reports its error.
*/
#ifndef RT_SCHED_RUNTIME_H
#define RT_SCHED_RUNTIME_H

#include "base/shared.h"
#include "event/active_threads.h"
#include "event/driver.h"

/* The place of a job on the list of failures; a part of the rt_job. */
typedef struct rt_failure_record {
  /* fixed */
  rt_shared *owner; /* the job */
  /* fixed once it is on the list */
  uint64_t since; /* rt_clock: when the job failed */
  bool grouped;   /* it is a member of a group */
  /* under the lock of the runtime; once the main worker has it, main worker's thread */
  rt_list link; /* in 'failures', or in a list of the main worker */
  rt_post post; /* to the main worker: report the error */
} rt_failure_record;

typedef struct rt_runtime {
  rt_shared shared;
  /* fixed; set by the main worker before a pool is open */
  void (*on_unjoined_failure)(rt_post *, void *); /* a record's post, with a reference to the job */
  /* atomic */
  rt_active_threads active;
  rt_counters counts; /* jobs that ended without a worker (rt.metrics) */
  /* under the lock; the 'deliver' of the posts is fixed */
  rt_lock lock;
  rt_driver *main;      /* NULL: the main worker has called rt_runtime_close */
  rt_list failures;     /* records of failed jobs that no task has joined */
  rt_post failure_post; /* a job was added to 'failures': search for handles that are garbage */
  bool failure_posted;  /* failure_post is on its way (the same for the other posts) */
  rt_post exit_post;    /* a task has called os.exit(exit_code, true) in another state */
  bool exit_posted;
  int exit_code;
  rt_post shutdown_post; /* a task has called rt.shutdown in another state */
  bool shutdown_posted;
  uint64_t grace;         /* ns: the shortest time that such a call allows for the shutdown */
  rt_post stillness_post; /* the last active thread has become still: look for a deadlock */
  bool stillness_posted;
} rt_runtime;

/* Main worker. NULL: no memory. The main worker's thread is counted as active. */
rt_runtime *rt_runtime_new(rt_driver *main);
static inline rt_runtime *rt_runtime_hold(rt_runtime *r) {
  rt_shared_hold(&r->shared);
  return r;
}
static inline void rt_runtime_drop(rt_runtime *r) { rt_shared_drop(&r->shared); }

/* Main worker: its driver is about to be closed. Nothing is posted to it from here on. */
void rt_runtime_close(rt_runtime *r);

/* Any thread. Posts to the main worker; does nothing after rt_runtime_close. */
void rt_runtime_post(rt_runtime *r, rt_post *p);

/* --- exit and shutdown ------------------------------------------------------------------------ */
/* Any thread. The main worker gets exit_post; only the first request counts. */
void rt_runtime_request_exit(rt_runtime *r, int code);
/* Any thread. The main worker gets shutdown_post; of several requests before it is received, the
** shortest 'grace' (ns) counts. */
void rt_runtime_request_shutdown(rt_runtime *r, uint64_t grace);
/* Main worker, when shutdown_post was delivered: the grace. The next request posts again. */
uint64_t rt_runtime_shutdown_received(rt_runtime *r);

/* --- stillness -------------------------------------------------------------------------------- */
/* Any thread, when it is the last one to become still (event/active_threads.h): the main worker
** gets stillness_post, which makes it active. */
void rt_runtime_post_stillness(rt_runtime *r);
/* Main worker, when stillness_post was delivered. */
void rt_runtime_stillness_received(rt_runtime *r);
/* Any thread. True: the mailbox of the main worker is asleep (event/mailbox.h). */
bool rt_runtime_main_is_asleep(rt_runtime *r);
/* A worker's thread that ends: it is not active any more. */
void rt_runtime_thread_ended(rt_runtime *r);

/* --- failures --------------------------------------------------------------------------------- */
/* Any thread, under the lock of the job: the job has failed. Posts failure_post unless one is on
** its way. */
void rt_runtime_record_failure(rt_runtime *r, rt_failure_record *f);
/* Any thread: a task has joined the job, or its error was reported. */
void rt_runtime_forget_failure(rt_runtime *r, rt_failure_record *f);
/* The thread that drops the last reference to the job. True: the job has failed, no task has joined
** it, and the main worker gets it with a new reference, so it must not be freed. False: free it. */
bool rt_runtime_adopt_failure(rt_runtime *r, rt_failure_record *f);
/* Main worker, when failure_post was delivered. */
void rt_runtime_failure_received(rt_runtime *r);
/* Main worker. A record of a job that failed at the time 'due' or before and is of no group, with a
** reference to the job; it stays on the list. NULL: there is none; then *next is the time of the
** oldest other such record, or 0. */
rt_failure_record *rt_runtime_late_failure(rt_runtime *r, uint64_t due, uint64_t *next);
/* Main worker, at its end. Takes one record off the list and returns it, with a reference to the
** job; NULL: none is left, but for jobs that are being freed on other threads. */
rt_failure_record *rt_runtime_take_failure(rt_runtime *r);

/* Any thread. Adds the counts of the main worker (if it has not closed) and those of the
** runtime. */
void rt_runtime_add_counts(rt_runtime *r, uint64_t *of_main, uint64_t *own);

#endif
