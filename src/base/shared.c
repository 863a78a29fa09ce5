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

/* What a thing held may have been the last of its kind to hold another one, and so on: a
** chain as long as memory.  Those that die while one is being freed on this thread wait
** until that is done, so the C stack does not grow with the chain. */
static _Thread_local rt_shared *dead;
static _Thread_local bool freeing;

void rt_shared_free(rt_shared *t) {
  t->next = dead;
  dead = t;
  if (freeing) return;
  freeing = true;
  while ((t = dead) != NULL) {
    dead = t->next;
    t->kind->free(t);
  }
  freeing = false;
}
