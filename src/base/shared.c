#include "base/shared.h"

void *rt_shared_new(size_t size, size_t lock, const rt_shared_kind *kind) {
  rt_shared *shared = rt_calloc(size);
  if (shared == NULL) return NULL;
  if (rt_lock_init((rt_lock *)(void *)((char *)shared + lock)) != 0) {
    rt_free(shared);
    return NULL;
  }
  rt_shared_init(shared, kind);
  return shared;
}

void rt_shared_delete(rt_shared *shared, rt_lock *lock) {
  rt_lock_close(lock);
  rt_free(shared);
}

/* The 'free' of an object may drop the last reference to another object, that one to a third, and
** so on. The C stack must not grow with such a chain: an object whose last reference is dropped
** inside of a 'free' is put in a list, and is freed when that 'free' has returned. */
static _Thread_local rt_shared *to_free;
static _Thread_local bool is_freeing;

void rt_shared_free(rt_shared *shared) {
  shared->next = to_free;
  to_free = shared;
  if (is_freeing) return;
  is_freeing = true;
  while ((shared = to_free) != NULL) {
    to_free = shared->next;
    shared->kind->free(shared);
  }
  is_freeing = false;
}
