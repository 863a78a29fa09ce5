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

/* What is added to rt_shared.holders. The low half counts the references. The next 24 bits count
** those of them that are handles: userdata of Lua states. (More of them overflow into the last 8
** bits, so that there may seem to be none: then base/cycle looks in vain.) The last 8 bits change
** with each call of rt_shared_note_link. */
#define RT_SHARED_REF ((uint64_t)1)
#define RT_SHARED_HANDLE (RT_SHARED_REF + ((uint64_t)1 << 32))
#define RT_SHARED_LINK ((uint64_t)1 << 56)

struct rt_cycle_visitor;

typedef struct rt_shared {
  /* fixed */
  const struct rt_shared_kind *kind;
  /* atomic */
  rt_atomic(uint64_t) holders; /* how many references there are, and more; see below */
  /* the thread that frees it */
  struct rt_shared *next; /* in the list of objects that this thread frees next */
} rt_shared;

/* For objects that hold messages, or other objects, and so may hold each other. base/cycle.h says
** what these functions do. */
typedef struct rt_shared_content {
  void (*drop)(rt_shared *, uint64_t what); /* rt_cycle_drop */
  bool (*has_links)(rt_shared *);
  uint64_t (*visit)(rt_shared *, struct rt_cycle_visitor *);
  void (*empty)(rt_shared *);
} rt_shared_content;

typedef struct rt_shared_kind {
  const char *name;                 /* for error messages */
  void (*free)(rt_shared *);        /* any thread: the last reference was dropped */
  int class;                        /* of its userdata in Lua (worker/class.h); -1: none */
  const rt_shared_content *content; /* NULL: it is not looked for in cycles */
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
  uint64_t before = rt_load(&shared->holders);
  do {
    if ((uint32_t)before == 0) return false;
  } while (!rt_cas(&shared->holders, &before, before + 1));
  return true;
}

/* Frees an object without references: now, or after the one that this thread is freeing. */
void rt_shared_free(rt_shared *shared);

/* Drops a reference. What each holder did to the object happens before it is freed: the
** subtractions are sequentially consistent. */
static inline void rt_shared_drop(rt_shared *shared) {
  if ((uint32_t)rt_sub(&shared->holders, 1) == 1) rt_shared_free(shared);
}

/* --- objects that may hold each other (base/cycle.h) ------------------------------------------ */
/* Takes the reference of a handle. (Relaxed: see rt_shared_hold.) */
static inline void rt_shared_hold_handle(rt_shared *shared) {
  rt_add_relaxed(&shared->holders, RT_SHARED_HANDLE);
}

/* The caller's reference becomes that of a handle. (Relaxed: see rt_shared_hold.) */
static inline void rt_shared_make_handle(rt_shared *shared) {
  rt_add_relaxed(&shared->holders, RT_SHARED_HANDLE - RT_SHARED_REF);
}

/* Drops a reference with no lock held; 'what' is RT_SHARED_REF or RT_SHARED_HANDLE. If others are
** left, but no handle, base/cycle looks whether they are all from objects that only hold each
** other, and frees these. */
static inline void rt_shared_drop_and_look(rt_shared *shared, uint64_t what) {
  if (shared->kind->content)
    shared->kind->content->drop(shared, what);
  else if ((uint32_t)rt_sub(&shared->holders, what) == 1)
    rt_shared_free(shared);
}

/* A thread with a reference: it has put a message that holds shared objects into the object. To be
** called before the thread drops that reference (base/cycle.c says why). */
static inline void rt_shared_note_link(rt_shared *shared) {
  rt_add(&shared->holders, RT_SHARED_LINK);
}

#endif
