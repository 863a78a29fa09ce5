#include "dict/quota.h"

/* (Relaxed: an old value is as if the operations of two threads had happened in the other
** order.) */
static bool add_bounded(rt_atomic(size_t) * counter, size_t n, size_t max) {
  if (n == 0) return true;
  size_t before = rt_load_relaxed(counter);
  do {
    if (n > max || before > max - n) return false;
  } while (!rt_cas(counter, &before, before + n));
  return true;
}

bool rt_quota_take(rt_quota *q, size_t entries, size_t bytes, size_t instead_of) {
  if (!add_bounded(&q->entries, entries, q->bounds.entries)) return false;
  if (bytes <= instead_of) {
    if (bytes < instead_of) rt_sub(&q->bytes, instead_of - bytes);
    return true;
  }
  if (add_bounded(&q->bytes, bytes - instead_of, q->bounds.bytes)) return true;
  if (entries > 0) rt_sub(&q->entries, entries);
  return false;
}

void rt_quota_release(rt_quota *q, size_t entries, size_t bytes) {
  rt_sub(&q->entries, entries);
  rt_sub(&q->bytes, bytes);
}
