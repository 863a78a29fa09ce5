/* sched/worker_config.h - what the workers of a pool make their states from.
**
** The main state fills it before the first spawn: rt.configure, rt.preload, and the options of
** rt-lua. The first spawn adds where modules are found and the arguments of the script. From then
** on it is fixed, and every worker reads it when it starts.
*/
#ifndef RT_SCHED_WORKER_CONFIG_H
#define RT_SCHED_WORKER_CONFIG_H

#include "base/message.h"

#define RT_GRACE (5 * RT_SECOND) /* ns: default of 'grace' */

typedef enum rt_pool {
  RT_POOL_TASKS,    /* rt.spawn: one worker per CPU */
  RT_POOL_BLOCKING, /* rt.spawn_blocking: one job per worker */
  RT_POOLS
} rt_pool;

#define RT_UNJOINED RT_SECOND /* ns: default of 'unjoined' */
#define RT_UNJOINED_NEVER UINT64_MAX

#define RT_STALL (100 * RT_MILLISECOND) /* ns: default of 'stall' */

typedef struct rt_worker_config {
  rt_shared shared;
  /* main worker's thread until a pool is open, then fixed */
  int slots[RT_POOLS]; /* workers of each pool, at most; 1 to 256 */
  uint64_t seed;       /* of the workers' random numbers; 0: not reproducible */
  bool preempt_all;    /* tasks of a state are switched in the middle, too, like those of a pool */
  uint64_t stall;      /* ns: a task that runs longer without a sign is reported; 0: never */
  uint64_t unjoined;   /* ns: an error that no task joins for so long is told */
  bool in_rt_lua;      /* the host is rt-lua, not a stock interpreter */
  const struct rt_worker_hooks *hooks; /* of every worker; see worker/parts.h */
  rt_message *paths;                   /* package.path, package.cpath, arg; NULL: not known yet */
  rt_message **preloads; /* what each worker runs first: names of modules, functions */
  int count, capacity;   /* of 'preloads' */
  /* atomic */
  rt_atomic(bool) any_unhandled; /* some worker has reported an unhandled error: the exit code */
  rt_atomic(uint64_t) grace;     /* ns: how long tasks may unwind when the program ends */
} rt_worker_config;

/* Main worker. With the defaults, and RT_WORKERS and RT_BLOCKING from the environment. NULL: no
** memory. */
rt_worker_config *rt_worker_config_new(void);
static inline rt_worker_config *rt_worker_config_hold(rt_worker_config *c) {
  rt_shared_hold(&c->shared);
  return c;
}
static inline void rt_worker_config_drop(rt_worker_config *c) { rt_shared_drop(&c->shared); }

/* Main worker, before a pool is open: appends a preload. 0; -ENOMEM: the message stays with the
** caller. */
int rt_worker_config_add(rt_worker_config *c, rt_message *preload);

#endif
