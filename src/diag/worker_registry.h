/* diag/worker_registry.h - who is there: the workers of the process, and what everyone may know of each.
**
** A worker that does not come on answers no questions, and its Lua state is nobody else's.
** So it says beforehand, with one store where it resumes a task, which one that is; the
** rest of its face does not change, or changes rarely.
*/
#ifndef RT_DIAG_WORKER_REGISTRY_H
#define RT_DIAG_WORKER_REGISTRY_H

#include "event/driver.h"
#include "base/thread_info.h"
#include "task/task.h"
#include "base/cpu_timer.h"

typedef struct rt_worker_status {
  /* fixed */
  char name[24]; /* "main", "pool 1", "blocking 1" */
  bool in_blocking_pool;
  rt_mailbox *mailbox;
  rt_thread_info thread_info;
  void (*on_snapshot_request)(
      rt_post *, void *driver); /* delivered to it: an rt_snapshot_request (diag/snapshot.h) */
  const char *(*site_text)(const struct rt_worker_status *,
                           uint32_t); /* where a task was spawned */
  /* under the roll's lock */
  rt_list link;
  const void *runtime;       /* the same for all workers of a main state: its runtime */
  rt_cpu_timer *cpu_timer;   /* NULL: it gets none */
  struct rt_sched *pools[2]; /* of the main worker, while they are open */
  bool in_watchdog;          /* its own thread, and the watchdog's lock */
  struct {                   /* the watchdog */
    uint64_t probed_at;      /* no sign of life since then, */
    uint64_t stalled;        /* and so long it did not even wait for a processor */
    uint64_t cpu_at_probe;   /* what its thread had used then */
    bool blocked;            /* in the kernel, at the last look; */
    bool blocked_throughout; /* all the while */
    bool reported;
    char title[192];
  } watch;
  /* atomic */
  rt_atomic(uint64_t) stall;          /* how long is too long; 0: that is nobody's business */
  rt_atomic(uint32_t) * moment;       /* of its driver */
  rt_atomic(int) * load;              /* of its slot: tasks, about; NULL: unknown */
  rt_atomic(bool) must_wake_watchdog; /* the watchdog may be asleep */
  rt_atomic(bool) probe_pending; /* the watchdog asks for a sign of life; it is taken off as one */
  rt_atomic(uint64_t)
      running_title; /* the title of the task that runs, or 0; see rt_worker_status_set_running */
  rt_atomic(uint64_t) running_since; /* the watchdog has seen no change since then; or 0 */
  rt_atomic(bool) reported_stuck;    /* … and nothing else either: it need not be asked, */
  rt_atomic(bool) wants_traceback;   /* and the first instruction after that tells where it was */
} rt_worker_status;

/* What 'shown' has in addition once somebody has looked: if it is still there, that task
** has been running ever since.  (A bit that no title has; see task/task.h.) */
#define RT_TITLE_SEEN ((uint64_t)1 << 63)

/* Its own thread: this task runs; none does, for longer than from one to the next. */
static inline void rt_worker_status_set_running(rt_worker_status *f, const rt_task *t) {
  rt_store_release(&f->running_title, t->title); /* (what the title refers to has been written) */
}
static inline void rt_worker_status_clear_running(rt_worker_status *f) {
  rt_store_relaxed(&f->running_title, 0);
}

/* Its own thread: it comes, and goes. */
void rt_worker_registry_add(rt_worker_status *f);
void rt_worker_registry_remove(rt_worker_status *f);
/* The main worker's: its pools are open, or (NULL) no longer. */
void rt_worker_registry_set_pools(rt_worker_status *f, const void *runtime,
                                  struct rt_sched *pools[2]);

/* Its own thread: it gets ticks; NULL: it does not any more. */
void rt_worker_status_set_cpu_timer(rt_worker_status *f, rt_cpu_timer *tick);

/* any thread: for a look at the worker statuses; nobody comes or goes before rt_worker_registry_unlock. */
rt_list *rt_worker_registry_lock(void);
void rt_worker_registry_unlock(void);
#define rt_worker_registry_each(f, roll)                                                  \
  for (rt_list *l_ = (roll)->next; l_ != (roll) && ((f) = rt_worker_status_of(l_), true); \
       l_ = l_->next)
static inline rt_worker_status *rt_worker_status_of(rt_list *l) {
  return rt_containerof(l, rt_worker_status, link);
}

#endif
