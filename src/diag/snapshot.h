/* diag/snapshot.h - asks all workers which tasks they have, for rt.tasks and dumps.
**
** A thread that wants a snapshot posts a request to each worker and waits for the replies, with a
** limit. A worker that is in a C function does not reply in time; then the snapshot only has what
** the worker's status shows (diag/worker_registry.h). A reply that comes too late is freed by the
** worker that wrote it.
**
** Each reply describes its worker at one moment, but not all workers at the same moment.
*/
#ifndef RT_DIAG_SNAPSHOT_H
#define RT_DIAG_SNAPSHOT_H

#include "base/buf.h"
#include "base/shared.h"
#include "diag/worker_registry.h"

/* ns after the limit: for so long a worker that has begun to reply in time may still write */
#define RT_SNAPSHOT_REPLY_TIME (50 * RT_MILLISECOND)

/* One task, as a worker describes it. */
typedef struct rt_task_info {
  uint64_t id;
  int worker; /* -1: a job in a queue, which no worker has started */
  rt_phase phase;
  rt_op op;        /* what it waits for */
  bool is_running; /* it runs right now; else a task in phase RT_RUNNING is ready to run */
  bool is_main;    /* the main chunk */
  double waited;   /* seconds, if it waits */
  /* positions in the texts of the same reply (rt_snapshot_reply_text); 0: none */
  size_t site, name, traceback;
} rt_task_info;

/* The tasks of one worker. Only that worker writes it, until rt_snapshot_request_end. */
typedef struct rt_snapshot_reply {
  rt_task_info *tasks;
  size_t count, capacity;
  rt_buf texts;
  int64_t omitted; /* tasks for which there was no memory, or no time */
} rt_snapshot_reply;

typedef enum rt_snapshot_state {
  RT_SNAPSHOT_ASKED,
  RT_SNAPSHOT_REPLYING,
  RT_SNAPSHOT_REPLIED,
  RT_SNAPSHOT_NOT_ASKED /* it was reported as stuck */
} rt_snapshot_state;

/* One worker of a snapshot. */
typedef struct rt_snapshot_request {
  rt_post post;
  struct rt_snapshot *snapshot; /* held from the post to rt_snapshot_request_end */
  /* the worker, then the thread that asks */
  rt_snapshot_reply reply;
  /* the thread that asks: what the status of the worker showed */
  char name[24];
  bool was_asleep, in_blocking_pool;
  uint64_t title;     /* of the running task; 0: none */
  int load;           /* tasks; 0: not known */
  double running_for; /* seconds since the watchdog has seen the title first; 0: it has not */
  char site[96], task_name[64];
  bool replied; /* the reply is complete; set by rt_snapshot_wait */
  /* under the lock of the snapshot */
  rt_snapshot_state state;
} rt_snapshot_request;

typedef struct rt_snapshot {
  rt_shared shared;
  /* fixed */
  bool with_tracebacks;
  uint64_t began;           /* clock */
  uint64_t until;           /* clock: replies should end by then; UINT64_MAX: no limit */
  rt_snapshot_request *own; /* of the worker that asks, which fills in own->reply; or NULL */
  int count;                /* of requests */
  rt_snapshot_reply queued; /* jobs in the queues, which no worker has started */
  /* under the lock */
  rt_lock lock;
  rt_cond reply_ended;
  bool closed; /* rt_snapshot_wait has returned: no more replies are wanted */
  rt_snapshot_request requests[];
} rt_snapshot;

/* Any thread. Posts a request to all workers of the runtime of 'own' (NULL: of the process), except
** to the worker of 'own': it is the caller, and fills in s->own->reply itself. NULL: no memory. */
rt_snapshot *rt_snapshot_new(const rt_worker_status *own, bool with_tracebacks, uint64_t until);
/* The same thread. Returns when all workers have replied, or when rt_clock reads 'until'. Calls
** 'serve' (if it is not NULL) every millisecond, so that a worker that waits here can reply to the
** requests of others. */
void rt_snapshot_wait(rt_snapshot *s, uint64_t until, void (*serve)(void *), void *arg);
/* The same thread. */
void rt_snapshot_drop(rt_snapshot *s);

/* Worker's thread, when a request was delivered. True: fill in q->reply and call
** rt_snapshot_request_end. False: the snapshot is closed, and this call may have freed the
** request. */
bool rt_snapshot_request_begin(rt_snapshot_request *q);
void rt_snapshot_request_end(rt_snapshot_request *q);

/* Worker's thread. Appends a task; 'site' and 'name' are copied, and may be NULL. NULL: no memory;
** the task is counted as omitted. */
rt_task_info *rt_snapshot_reply_add(rt_snapshot_reply *reply, const rt_task *t, const char *site,
                                    const char *name);
static inline const char *rt_snapshot_reply_text(const rt_snapshot_reply *reply, size_t text) {
  return text ? rt_buf_data(&reply->texts) + text : NULL;
}

#endif
