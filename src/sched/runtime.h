/* sched/runtime.h - how the threads of a runtime reach its main worker, as long as it is there.
**
** Whatever other workers have to tell it goes through here: that one of them has left, that
** a task wants the process to end, and the errors of jobs that nobody has heard of.  A
** failed job is on record until somebody joins it; when its last handle goes before that,
** the main worker gets the job itself, to tell of the error.
*/
#ifndef RT_OFFICE_H
#define RT_OFFICE_H

#include "event/active_threads.h"
#include "event/driver.h"
#include "base/shared.h"

/* What is on record of a failed job; a part of it. */
typedef struct rt_record {
  rt_thing *whose;
  rt_list link; /* on the record, or on a list of the main worker's */
  rt_post post;
} rt_record;

typedef struct rt_office {
  rt_thing thing;
  /* fixed */
  void (*on_orphan)(rt_post *, void *); /* delivered to the main worker: of a record */
  /* atomic */
  rt_astir astir;
  rt_counts counts; /* of what no worker did */
  /* under lock */
  rt_lock lock;
  rt_driver *main; /* NULL: it has gone */
  rt_list records;
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
} rt_office;

rt_office *rt_office_new(rt_driver *main); /* NULL: no memory */
static inline rt_office *rt_office_hold(rt_office *o) {
  rt_thing_hold(&o->thing);
  return o;
}
static inline void rt_office_drop(rt_office *o) { rt_thing_drop(&o->thing); }

/* any thread: nothing is delivered once the main worker has gone */
void rt_office_post(rt_office *o, rt_post *p);
void rt_office_ask_to_exit(rt_office *o, int code); /* the first one counts */
void rt_office_ask_for_shutdown(rt_office *o, uint64_t grace);
/* The main worker: that post has come; which grace. */
uint64_t rt_office_shutdown_seen(rt_office *o);

/* any thread: all are still, and the main worker is to look whether that is the end; it
** will; does it sleep, without post? */
void rt_office_note_stillness(rt_office *o);
void rt_office_stillness_seen(rt_office *o);
bool rt_office_is_quiet(rt_office *o);
/* a thread that goes */
void rt_office_leave(rt_office *o);

/* any thread: a job has failed; somebody has heard of it; its last holder has gone, and
** true: the main worker has taken it over, with a reference. */
void rt_office_note(rt_office *o, rt_record *r);
void rt_office_forget(rt_office *o, rt_record *r);
bool rt_office_adopt(rt_office *o, rt_record *r);

/* any thread: adds the counts of the main worker, if it is there still, and its own */
void rt_office_sum(rt_office *o, uint64_t *of_main, uint64_t *own);

/* The main worker: the failure post has come; the next record, with a reference, or NULL; it
** goes. */
void rt_office_failure_seen(rt_office *o);
rt_record *rt_office_next(rt_office *o);
void rt_office_close(rt_office *o);

#endif
