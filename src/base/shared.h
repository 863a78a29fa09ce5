/* base/shared.h - what several states may hold: an object of C with a count of its holders.
**
** Between workers travel bytes and things.  A thing that nobody holds any more frees
** itself, on whatever thread that happens.
*/
#ifndef RT_THING_H
#define RT_THING_H

#include "base/base.h"

typedef struct rt_thing {
  /* fixed */
  const struct rt_thing_kind *kind;
  /* atomic */
  rt_atomic(int) holders;
  /* the thread that frees it */
  struct rt_thing *next; /* to be freed after it */
} rt_thing;

typedef struct rt_thing_kind {
  const char *name;         /* as a user would say it */
  void (*free)(rt_thing *); /* nobody holds it: any thread */
  int class;                /* whose objects stand for it in Lua (class.h) */
} rt_thing_kind;

static inline void rt_thing_init(rt_thing *t, const rt_thing_kind *kind) {
  t->kind = kind;
  atomic_init(&t->holders, 1);
}

/* Whoever holds it already may let somebody else hold it: nothing has to be seen by then. */
static inline void rt_thing_hold(rt_thing *t) { rt_add_relaxed(&t->holders, 1); }

/* false: its last holder has just gone */
static inline bool rt_thing_try_hold(rt_thing *t) {
  int before = rt_load(&t->holders);
  do {
    if (before == 0) return false;
  } while (!rt_cas(&t->holders, &before, before + 1));
  return true;
}

void rt_thing_free(rt_thing *t); /* nobody holds it; now, or after those that are being freed */
static inline void rt_thing_drop(rt_thing *t) {
  if (rt_sub(&t->holders, 1) == 1) rt_thing_free(t);
}

#endif
