/* sched/worker_config.h - what a worker of the pool makes its state by.
**
** The main state says it before the first spawn: rt.configure, rt.preload; and the first
** spawn adds where modules are and the arguments of the script.  Then it is fixed, and
** every worker reads it.
*/
#ifndef RT_RECIPE_H
#define RT_RECIPE_H

#include "msg/message.h"

#define RT_GRACE (5 * RT_SECOND) /* for unwinding, unless rt.shutdown says otherwise */

typedef enum rt_pool {
  RT_POOL_SHARED,   /* rt.spawn: a worker a core */
  RT_POOL_BLOCKING, /* rt.spawn_blocking */
  RT_POOLS
} rt_pool;

#define RT_STALL (100 * RT_MILLISECOND) /* unless the program says otherwise */

typedef struct rt_recipe {
  rt_thing thing;
  /* fixed once a pool is open */
  int seats[RT_POOLS];
  uint64_t seed;     /* of chances; 0: nobody can guess them */
  bool switches_all; /* tasks of a state are switched like those of the pool */
  uint64_t stall;    /* how long a task may not respond before that is told; 0: for ever */
  bool hosted;       /* in rt-lua */
  rt_packet *places; /* package.path, package.cpath, arg */
  rt_packet **preloads;
  int count, room;
  /* atomic */
  rt_atomic(bool) failed;    /* an error went unhandled in some worker */
  rt_atomic(uint64_t) grace; /* for unwinding, when the program ends */
} rt_recipe;

rt_recipe *rt_recipe_new(void); /* NULL: no memory */
static inline rt_recipe *rt_recipe_hold(rt_recipe *r) {
  rt_thing_hold(&r->thing);
  return r;
}
static inline void rt_recipe_drop(rt_recipe *r) { rt_thing_drop(&r->thing); }

/* Takes the packet over: a name of a module, or a function; 0 or -ENOMEM. */
int rt_recipe_add(rt_recipe *r, rt_packet *preload);

#endif
