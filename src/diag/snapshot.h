/* diag/snapshot.h - a question to all workers: which tasks have you got?
**
** Whoever asks, on any thread, posts an snapshot request to each worker and waits for the answers,
** but not for long: a worker that does not come on, in a C function, does not answer, and
** then what its face shows (diag/worker_registry.h) has to do.  An answer that comes too late is thrown
** away by who wrote it.
**
** It is a snapshot of each worker, but not of one moment for all of them.
*/
#ifndef RT_DIAG_SNAPSHOT_H
#define RT_DIAG_SNAPSHOT_H

#include "base/buf.h"
#include "diag/worker_registry.h"
#include "base/shared.h"

/* Whoever begins to answer just in time gets so much more. */
#define RT_SNAPSHOT_REPLY_TIME (50 * RT_MILLISECOND)

/* What is told of one task. */
typedef struct rt_task_info {
  uint64_t id;
  int worker; /* which snapshot request's; -1: none has begun it */
  rt_phase phase;
  rt_op op;
  bool is_running; /* right now */
  bool is_main;
  double waited; /* for so many seconds, if it waits */
  /* texts of the same snapshot request; 0: none */
  size_t site, name, traceback;
} rt_task_info;

/* The answer of one worker, which writes it alone until it says that it has answered. */
typedef struct rt_snapshot_reply {
  rt_task_info *tasks;
  size_t count, room;
  rt_buf texts;
  int64_t omitted; /* so many tasks were too many */
} rt_snapshot_reply;

typedef enum rt_snapshot_state {
  RT_SNAPSHOT_ASKED,
  RT_SNAPSHOT_REPLYING,
  RT_SNAPSHOT_REPLIED,
  RT_SNAPSHOT_NOT_ASKED
} rt_snapshot_state;

typedef struct rt_snapshot_request {
  rt_post post;
  struct rt_snapshot *snapshot; /* held until it is answered */
  rt_snapshot_reply reply;
  /* what its face showed */
  char name[24];
  bool was_asleep, in_blocking_pool;
  uint64_t title;
  int load;           /* tasks, about */
  double running_for; /* seconds; 0: nobody has noticed */
  char site[96], task_name[64];
  bool replied; /* its answer is there, and stays; since the end of rt_snapshot_wait */
  /* under the snapshot's lock */
  rt_snapshot_state state;
} rt_snapshot_request;

typedef struct rt_snapshot {
  rt_shared shared;
  /* fixed */
  bool with_tracebacks;
  uint64_t began;
  uint64_t until; /* answers should end by then; UINT64_MAX: they take their time */
  rt_snapshot_request *own;
  int count;
  rt_snapshot_reply queued; /* jobs in the queues */
  /* under lock */
  rt_lock lock;
  rt_cond answered;
  bool closed; /* nobody wants to know any more */
  rt_snapshot_request requests[];
} rt_snapshot;

/* any thread: asks all workers of this runtime (NULL: of the process), but the one with the
** face 'own', who is to answer own->reply itself.  NULL: no memory */
rt_snapshot *rt_snapshot_new(const rt_worker_status *own, bool traces, uint64_t until);
/* Waits for the answers, but no longer; every other millisecond calls 'serve', if there is
** one. */
void rt_snapshot_wait(rt_snapshot *s, uint64_t until, void (*serve)(void *), void *arg);
/* Who asked has done with it. */
void rt_snapshot_drop(rt_snapshot *s);

/* The worker: it answers now (false: nobody wants to know any more); it has. */
bool rt_snapshot_request_begin(rt_snapshot_request *q);
void rt_snapshot_request_end(rt_snapshot_request *q);

/* Adds a fact; texts may be NULL.  NULL: no memory, and it is counted as left out. */
rt_task_info *rt_snapshot_reply_add(rt_snapshot_reply *a, const rt_task *t, const char *site,
                                    const char *name);
static inline const char *rt_snapshot_reply_text(const rt_snapshot_reply *a, size_t text) {
  return text ? rt_buf_data(&a->texts) + text : NULL;
}

#endif
