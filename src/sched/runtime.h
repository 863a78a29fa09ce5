/* sched/runtime.h - how the threads of a runtime reach its main worker, as long as it is there.
**
** Whatever other workers have to tell it goes through here: that one of them has left, that
** a task wants the process to end, and the errors of jobs that nobody has heard of.  A
** failed job is on record until somebody joins it; when its last handle goes before that,
** the main worker gets the job itself, to tell of the error.
*/
#ifndef RT_SCHED_RUNTIME_H
#define RT_SCHED_RUNTIME_H

#include "event/active_threads.h"
#include "event/driver.h"
#include "base/shared.h"

/* What is on record of a failed job; a part of it. */
typedef struct rt_failure_record {
  rt_shared *owner;
  rt_list link; /* on the record, or on a list of the main worker's */
  rt_post post;
} rt_failure_record;

typedef struct rt_runtime {
  rt_shared shared;
  /* fixed */
  void (*on_unjoined_failure)(rt_post *, void *); /* delivered to the main worker: of a record */
  /* atomic */
  rt_active_threads active;
  rt_counters counts; /* of what no worker did */
  /* under lock */
  rt_lock lock;
  rt_driver *main; /* NULL: it has gone */
  rt_list failures;
  rt_post failure_post; /* something is on record: look for jobs that nobody holds */
  bool failure_posted;
  rt_post exit_post; /* a task has called os.exit(code, true) */
  bool exit_posted;
  int exit_code;
  rt_post shutdown_post; /* a task has called rt.shutdown, */
  bool shutdown_posted;
  uint64_t grace;         /* and wants it to be over in this time */
  rt_post stillness_post; /* the last thread has become still */
  bool stillness_posted;
} rt_runtime;

rt_runtime *rt_runtime_new(rt_driver *main); /* NULL: no memory */
static inline rt_runtime *rt_runtime_hold(rt_runtime *o) {
  rt_shared_hold(&o->shared);
  return o;
}
static inline void rt_runtime_drop(rt_runtime *o) { rt_shared_drop(&o->shared); }

/* any thread: nothing is delivered once the main worker has gone */
void rt_runtime_post(rt_runtime *o, rt_post *p);
void rt_runtime_request_exit(rt_runtime *o, int code); /* the first one counts */
void rt_runtime_request_shutdown(rt_runtime *o, uint64_t grace);
/* The main worker: that post has come; which grace. */
uint64_t rt_runtime_shutdown_received(rt_runtime *o);

/* any thread: all are still, and the main worker is to look whether that is the end; it
** will; does it sleep, without post? */
void rt_runtime_post_stillness(rt_runtime *o);
void rt_runtime_stillness_received(rt_runtime *o);
bool rt_runtime_main_is_asleep(rt_runtime *o);
/* a thread that goes */
void rt_runtime_thread_ended(rt_runtime *o);

/* any thread: a job has failed; somebody has heard of it; its last holder has gone, and
** true: the main worker has taken it over, with a reference. */
void rt_runtime_record_failure(rt_runtime *o, rt_failure_record *r);
void rt_runtime_forget_failure(rt_runtime *o, rt_failure_record *r);
bool rt_runtime_adopt_failure(rt_runtime *o, rt_failure_record *r);

/* any thread: adds the counts of the main worker, if it is there still, and its own */
void rt_runtime_add_counts(rt_runtime *o, uint64_t *of_main, uint64_t *own);

/* The main worker: the failure post has come; the next record, with a reference, or NULL; it
** goes. */
void rt_runtime_failure_received(rt_runtime *o);
rt_failure_record *rt_runtime_take_failure(rt_runtime *o);
void rt_runtime_close(rt_runtime *o);

#endif
