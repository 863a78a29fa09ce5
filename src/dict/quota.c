#include "dict/quota.h"

static bool take(rt_atomic(size_t) * counter, size_t n, size_t most) {
  if (n == 0) return true;
  size_t before = rt_load_relaxed(counter);
  do {
    if (n > most || before > most - n) return false;
  } while (!rt_cas(counter, &before, before + n));
  return true;
}

bool rt_quota_take(rt_quota *s, size_t entries, size_t bytes, size_t instead_of) {
  if (!take(&s->entries, entries, s->bounds.entries)) return false;
  if (bytes <= instead_of) {
    if (bytes < instead_of) rt_sub(&s->bytes, instead_of - bytes);
    return true;
  }
  if (take(&s->bytes, bytes - instead_of, s->bounds.bytes)) return true;
  if (entries > 0) rt_sub(&s->entries, entries);
  return false;
}

void rt_quota_release(rt_quota *s, size_t entries, size_t bytes) {
  rt_sub(&s->entries, entries);
  rt_sub(&s->bytes, bytes);
}
