/* base/alloc.c - malloc and free under names of our own; in debug builds allocations can fail. */
#include "base/base.h"

#if RT_DEBUG

static struct { rt_atomic(long) count, first, width, blocks; } alloc;

/* 'first' is 0 while 'count' and 'width' change, so that no allocation fails in between. */
void rt_alloc_fail(long nth, long width) {
  rt_store(&alloc.first, 0);
  rt_store(&alloc.count, 0);
  rt_store(&alloc.width, width);
  rt_store(&alloc.first, nth);
}

long rt_alloc_count(void) { return rt_load(&alloc.count); }
long rt_alloc_blocks(void) { return rt_load(&alloc.blocks); }

static bool must_fail(void) {
  long n = rt_add(&alloc.count, 1) + 1, first = rt_load(&alloc.first);
  bool fails = first > 0 && n >= first && n - first < rt_load(&alloc.width);
  return fails || rt_chaos_is_due(RT_CHAOS_ALLOC);
}

static void *count_block(void *p) {
  if (p) rt_add(&alloc.blocks, 1);
  return p;
}

static void uncount_block(void *p) {
  if (p) rt_sub(&alloc.blocks, 1);
}

#else
#define must_fail() false
#define count_block(p) (p)
#define uncount_block(p) ((void)0)
#endif

void *rt_malloc(size_t size) { return must_fail() ? NULL : count_block(malloc(size)); }

void *rt_calloc(size_t size) { return must_fail() ? NULL : count_block(calloc(1, size)); }

void *rt_realloc(void *p, size_t size) {
  if (must_fail()) return NULL;
  return p ? realloc(p, size) : count_block(malloc(size));
}

void rt_free(void *p) {
  uncount_block(p);
  free(p);
}
