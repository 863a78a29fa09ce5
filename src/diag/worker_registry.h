/* diag/worker_registry.h - all workers of the process, and the status of each that any thread may
** read.
**
** A worker that is in a C function does not receive its posts, and no other thread may use its Lua
** state. So each worker publishes which task it runs, with one store for each resume; the rest of
** its status is fixed or changes rarely. Readers are the watchdog (diag/watchdog.h) and dumps
** (diag/snapshot.h).
**
** Lock order: the lock of the registry comes before the lock of the task names (task/task_name.h),
** which the watchdog takes to name a task that it reports. rt_watchdog_add and rt_watchdog_remove
** must not be called under it: they may wait for the watchdog's thread, which takes it.
*/
#ifndef RT_DIAG_WORKER_REGISTRY_H
#define RT_DIAG_WORKER_REGISTRY_H

#include "base/cpu_timer.h"
#include "base/thread_info.h"
#include "event/driver.h"
#include "task/task.h"
#include "task/task_title.h"

typedef struct rt_worker_status {
  /* fixed */
  char name[24];         /* "main", "pool 1", "blocking 1" */
  bool in_blocking_pool; /* its tasks may block: no stall is reported, and a dump waits less */
  rt_mailbox *mailbox;
  rt_thread_info thread_info; /* of its thread */
  /* Delivers the post of an rt_snapshot_request on the worker's thread. */
  void (*on_snapshot_request)(rt_post *, void *driver);
  /* The worker's thread has forked, and this is the child. Under the lock of the registry. */
  void (*on_forked)(struct rt_worker_status *);
  /* Any thread: where a task was spawned ("file.lua:12"), from the site of its title. */
  const char *(*site_text)(const struct rt_worker_status *, uint32_t site);
  /* under the lock of the registry */
  rt_list link;
  bool registered;           /* until rt_worker_registry_remove */
  const void *runtime;       /* identity of its runtime; NULL: a main worker without pools */
  rt_cpu_timer *cpu_timer;   /* the preemption timer of its thread; NULL: none */
  struct rt_sched *pools[2]; /* main worker: the open pools; else NULL */
  struct {                   /* watchdog's thread: since the last probe */
    uint64_t probed_at;      /* clock */
    uint64_t cpu_at_probe;   /* CPU time of its thread then, ns */
    uint64_t cpu_at_check;   /* the same at the last check, if its CPU timer is external */
    uint64_t cpu_at_tick;    /* the same at the last tick of that timer */
    uint64_t delay_at_probe; /* how long its thread had waited for a CPU then, ns */
    bool has_delay;          /* that is known */
    uint64_t stalled;        /* ns that it has computed, or was blocked, without answering */
    bool blocked;            /* in the kernel, at the last check */
    bool blocked_throughout; /* in the kernel, nearly all the time since the probe */
    bool reported;           /* the stall was reported; its end is to be reported, too */
    bool again;              /* not so: a stall of this task was reported before */
    uint64_t told[8];        /* the titles of the last tasks that were reported */
    unsigned reports;
    char title[RT_TASK_TITLE_MAX]; /* of the task in the report */
  } watch;
  /* main worker's thread: see run/blocked.c */
  struct {
    uint64_t title; /* of the task that ran when the program began to end, or, before that, was
                    ** blocked at the last check; 0: none, it has no call */
    uint64_t cpu;   /* CPU time of the thread then, ns */
    int checks;     /* at which it was blocked in the same call */
    bool alive;     /* it has done something since */
  } at_end;
  /* worker's thread */
  bool in_watchdog;   /* rt_watchdog_add was called for it */
  uint64_t places[8]; /* where tasks were stuck: hashes of the last tracebacks that were written */
  unsigned tracebacks;
  /* atomic */
  rt_atomic(uint64_t) stall;       /* ns without an answer after which it is reported; 0: never */
  rt_atomic(uint32_t) * timestamp; /* of its driver: the watchdog updates it while a task runs */
  rt_atomic(int) * load;           /* of its slot: tasks that have not ended; NULL: not known */
  rt_atomic(bool) must_wake_watchdog; /* the watchdog may sleep: the next resume has to wake it */
  rt_atomic(bool)
      probe_pending; /* set by the watchdog; the worker clears it at a Lua instruction */
  rt_atomic(uint64_t) running_title; /* of the running task, may have RT_TITLE_SEEN; 0: none */
  rt_atomic(uint64_t) running_since; /* clock when the watchdog first saw that title; 0: not seen */
  rt_atomic(bool) is_protected;      /* its task is in a shield; set when it is nudged */
  rt_atomic(bool)
      awaits_cancel; /* its task is to be cancelled or has not seen that it is, and is in
                                 ** no shield; set likewise */
  rt_atomic(bool) main_is_ending;  /* a signal has asked the main chunk to end (run/blocked.c) */
  rt_atomic(bool) reported_stuck;  /* a report was written: a dump does not wait for this worker */
  rt_atomic(bool) wants_traceback; /* with reported_stuck: see report_stall of watchdog.c */
} rt_worker_status;

/* The watchdog sets this bit in running_title. If it is still there at a later check, the same task
** has been running all the time: each resume stores a title without it. (No title uses the bit; see
** task/task.h.) */
#define RT_TITLE_SEEN ((uint64_t)1 << 63)

/* Worker's thread: it resumes this task. (Release: a reader of the title, which loads it with
** acquire, sees the text of the site that the title refers to.) */
static inline void rt_worker_status_set_running(rt_worker_status *s, const rt_task *t) {
  rt_store_release(&s->running_title, t->title);
}
/* Worker's thread: it has no task to run. Between one task and the next the old title stays.
** (Relaxed: a reader that sees the old title a little longer takes the task for still running.) */
static inline void rt_worker_status_clear_running(rt_worker_status *s) {
  rt_store_relaxed(&s->running_title, 0);
}

/* Watchdog's thread: has the worker been in one slice for so long that it does not poll, being in a
** C function or in code that is not switched? */
#define RT_STUCK (40 * RT_MILLISECOND)
static inline bool rt_worker_status_is_stuck(rt_worker_status *s, uint64_t now) {
  return rt_load(&s->running_title) & RT_TITLE_SEEN && now - rt_load(&s->running_since) >= RT_STUCK;
}

/* Worker's thread: at its start, and before it ends. */
void rt_worker_registry_add(rt_worker_status *s);
void rt_worker_registry_remove(rt_worker_status *s);
/* Main worker: its pools are open; or (NULL) no longer. */
void rt_worker_registry_set_pools(rt_worker_status *s, const void *runtime,
                                  struct rt_sched *pools[2]);

/* Worker's thread: the timer is started; or (NULL) it is about to be stopped. */
void rt_worker_status_set_cpu_timer(rt_worker_status *s, rt_cpu_timer *timer);

/* Any thread: the list of all statuses. No worker is added or removed before
** rt_worker_registry_unlock. */
rt_list *rt_worker_registry_lock(void);
void rt_worker_registry_unlock(void);
#define rt_worker_registry_each(s, workers)                                                     \
  for (rt_list *l_ = (workers)->next; l_ != (workers) && ((s) = rt_worker_status_of(l_), true); \
       l_ = l_->next)
static inline rt_worker_status *rt_worker_status_of(rt_list *l) {
  return rt_containerof(l, rt_worker_status, link);
}

#endif
