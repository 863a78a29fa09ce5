/* sched/worker_config.h - what a worker of the pool makes its state by.
**
** The main state says it before the first spawn: rt.configure, rt.preload; and the first
** spawn adds where modules are and the arguments of the script.  Then it is fixed, and
** every worker reads it.
*/
#ifndef RT_SCHED_WORKER_CONFIG_H
#define RT_SCHED_WORKER_CONFIG_H

#include "base/message.h"

#define RT_GRACE (5 * RT_SECOND) /* for unwinding, unless rt.shutdown says otherwise */

typedef enum rt_pool {
  RT_POOL_TASKS,    /* rt.spawn: a worker a core */
  RT_POOL_BLOCKING, /* rt.spawn_blocking */
  RT_POOLS
} rt_pool;

#define RT_STALL (100 * RT_MILLISECOND) /* unless the program says otherwise */

typedef struct rt_worker_config {
  rt_shared shared;
  /* fixed once a pool is open */
  int slots[RT_POOLS];
  uint64_t seed;    /* of chances; 0: nobody can guess them */
  bool preempt_all; /* tasks of a state are switched like those of the pool */
  uint64_t stall;   /* how long a task may not respond before that is told; 0: for ever */
  bool in_rt_lua;   /* in rt-lua */
  const struct rt_worker_hooks *hooks; /* of every worker; see worker/parts.h */
  rt_message *paths;                   /* package.path, package.cpath, arg */
  rt_message **preloads;
  int count, capacity;
  /* atomic */
  rt_atomic(bool) any_unhandled; /* an error went unhandled in some worker */
  rt_atomic(uint64_t) grace;     /* for unwinding, when the program ends */
} rt_worker_config;

rt_worker_config *rt_worker_config_new(void); /* NULL: no memory */
static inline rt_worker_config *rt_worker_config_hold(rt_worker_config *r) {
  rt_shared_hold(&r->shared);
  return r;
}
static inline void rt_worker_config_drop(rt_worker_config *r) { rt_shared_drop(&r->shared); }

/* Takes the message over: a name of a module, or a function; 0 or -ENOMEM. */
int rt_worker_config_add(rt_worker_config *r, rt_message *preload);

#endif
