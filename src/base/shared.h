/* base/shared.h - reference-counted C objects that several Lua states may hold.
**
** Bytes and shared objects are all that is sent between states. An object is freed when its last
** reference is dropped, on the thread that drops it.
**
** The object has an rt_shared as its first field. All functions: any thread.
*/
#ifndef RT_BASE_SHARED_H
#define RT_BASE_SHARED_H

#include "base/base.h"

typedef struct rt_shared {
  /* fixed */
  const struct rt_shared_kind *kind;
  /* atomic */
  rt_atomic(int) holders; /* how many references there are */
  /* the thread that frees it */
  struct rt_shared *next; /* in the list of objects that this thread frees next */
} rt_shared;

typedef struct rt_shared_kind {
  const char *name;          /* for error messages */
  void (*free)(rt_shared *); /* any thread: the last reference was dropped */
  int class;                 /* the class of its userdata in Lua (worker/class.h); -1: none */
} rt_shared_kind;

/* The caller holds the only reference. */
static inline void rt_shared_init(rt_shared *shared, const rt_shared_kind *kind) {
  shared->kind = kind;
  rt_atomic_init(&shared->holders, 1);
}

/* Allocates 'size' zeroed bytes for an object that has an rt_lock at offset 'lock', and initializes
** its rt_shared and its lock. NULL: no memory. */
void *rt_shared_new(size_t size, size_t lock, const rt_shared_kind *kind);
/* For the 'free' of such an object: closes the lock and frees the memory. */
void rt_shared_delete(rt_shared *shared, rt_lock *lock);

/* Takes a reference. The caller has one already, which keeps the object alive; so the addition need
** not be ordered with any other access (relaxed). */
static inline void rt_shared_hold(rt_shared *shared) { rt_add_relaxed(&shared->holders, 1); }

/* Takes a reference to an object that may be about to be freed. False: its last reference is
** gone. */
static inline bool rt_shared_try_hold(rt_shared *shared) {
  int before = rt_load(&shared->holders);
  do {
    if (before == 0) return false;
  } while (!rt_cas(&shared->holders, &before, before + 1));
  return true;
}

/* Frees an object without references: now, or after the one that this thread is freeing. */
void rt_shared_free(rt_shared *shared);

/* Drops a reference. What each holder did to the object happens before it is freed: the
** subtractions are sequentially consistent. */
static inline void rt_shared_drop(rt_shared *shared) {
  if (rt_sub(&shared->holders, 1) == 1) rt_shared_free(shared);
}

#endif
