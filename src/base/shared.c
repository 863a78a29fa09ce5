#include "base/shared.h"

void *rt_shared_new(size_t size, size_t lock, const rt_shared_kind *kind) {
  rt_shared *t = rt_calloc(size);
  if (t == NULL) return NULL;
  if (rt_lock_init((rt_lock *)(void *)((char *)t + lock)) != 0) {
    rt_free(t);
    return NULL;
  }
  rt_shared_init(t, kind);
  return t;
}

void rt_shared_delete(rt_shared *t, rt_lock *lock) {
  rt_lock_close(lock);
  rt_free(t);
}

/* The 'free' of an object may drop the last reference to another object, that one to a third, and
** so on. The C stack must not grow with such a chain: an object whose last reference is dropped
** inside of a 'free' is put in a list, and is freed when that 'free' has returned. */
static _Thread_local rt_shared *to_free;
static _Thread_local bool is_freeing;

void rt_shared_free(rt_shared *t) {
  t->next = to_free;
  to_free = t;
  if (is_freeing) return;
  is_freeing = true;
  while ((t = to_free) != NULL) {
    to_free = t->next;
    t->kind->free(t);
  }
  is_freeing = false;
}
