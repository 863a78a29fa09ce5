/* base/shared.h - what several states may hold: an object of C with a count of its holders.
**
** Between workers travel bytes and shared objects.  A thing that nobody holds any more frees
** itself, on whatever thread that happens.
*/
#ifndef RT_BASE_SHARED_H
#define RT_BASE_SHARED_H

#include "base/base.h"

typedef struct rt_shared {
  /* fixed */
  const struct rt_shared_kind *kind;
  /* atomic */
  rt_atomic(int) holders;
  /* the thread that frees it */
  struct rt_shared *next; /* to be freed after it */
} rt_shared;

typedef struct rt_shared_kind {
  const char *name;          /* as a user would say it */
  void (*free)(rt_shared *); /* nobody holds it: any thread */
  int class;                 /* whose objects stand for it in Lua (worker/class.h) */
} rt_shared_kind;

static inline void rt_shared_init(rt_shared *t, const rt_shared_kind *kind) {
  t->kind = kind;
  rt_atomic_init(&t->holders, 1);
}

/* Allocates 'size' zeroed bytes for an object that begins with its rt_shared and has an rt_lock at
** the offset 'lock', and initializes both; the caller is the only holder.  NULL: no memory. */
void *rt_shared_new(size_t size, size_t lock, const rt_shared_kind *kind);
/* For the 'free' of its kind: closes the lock and frees the memory. */
void rt_shared_delete(rt_shared *t, rt_lock *lock);

/* Whoever holds it already may let somebody else hold it: nothing has to be seen by then. */
static inline void rt_shared_hold(rt_shared *t) { rt_add_relaxed(&t->holders, 1); }

/* false: its last holder has just gone */
static inline bool rt_shared_try_hold(rt_shared *t) {
  int before = rt_load(&t->holders);
  do {
    if (before == 0) return false;
  } while (!rt_cas(&t->holders, &before, before + 1));
  return true;
}

void rt_shared_free(rt_shared *t); /* nobody holds it; now, or after those that are being freed */
static inline void rt_shared_drop(rt_shared *t) {
  if (rt_sub(&t->holders, 1) == 1) rt_shared_free(t);
}

#endif
