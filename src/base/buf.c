#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { MIN_CAPACITY = RT_SIZE(1024, 4) };

void rt_buf_init(rt_buf *b) { *b = (rt_buf){0}; }

void rt_buf_close(rt_buf *b) {
  rt_free(b->base);
  rt_buf_init(b);
}

/* Can the content be moved to the start of the memory, so that n bytes fit behind it? Only if it is
** not larger than the space that it leaves: so a byte is moved once on average. If it is larger,
** the buffer gets twice the memory. */
static bool can_compact(const rt_buf *b, size_t n) {
  size_t len = rt_buf_len(b);
  return len <= b->head && b->cap - len >= n;
}

char *rt_buf_reserve(rt_buf *b, size_t n) {
  if (b->cap - b->tail >= n && b->base != NULL) return b->base + b->tail;
  size_t len = rt_buf_len(b);
  if (!can_compact(b, n) || b->base == NULL) {
    size_t cap = b->cap ? b->cap * 2 : MIN_CAPACITY;
    if (n > SIZE_MAX / 4 || len > SIZE_MAX / 4) return NULL;
    while (cap < len + n) cap *= 2;
    char *bigger = rt_malloc(cap);
    if (bigger == NULL) return NULL;
    if (len > 0) memcpy(bigger, b->base + b->head, len);
    rt_free(b->base);
    b->base = bigger;
    b->cap = cap;
  } else if (len > 0) {
    memmove(b->base, b->base + b->head, len);
  }
  b->head = 0;
  b->tail = len;
  return b->base + len;
}

void rt_buf_wrote(rt_buf *b, size_t n) {
  rt_assert(b->tail + n <= b->cap);
  b->tail += n;
}

void rt_buf_drop(rt_buf *b, size_t n) {
  rt_assert(n <= rt_buf_len(b));
  b->head += n;
  if (b->head == b->tail) rt_buf_close(b);
}

int rt_buf_put(rt_buf *b, const void *data, size_t n) {
  if (n == 0) return 0;
  char *space = rt_buf_reserve(b, n);
  if (space == NULL) return -ENOMEM;
  memcpy(space, data, n);
  rt_buf_wrote(b, n);
  return 0;
}

void rt_buf_printf(rt_buf *b, const char *form, ...) {
  va_list args;
  char *space = rt_buf_reserve(b, 512);
  if (space == NULL) return;
  va_start(args, form);
  int n = vsnprintf(space, 512, form, args);
  va_end(args);
  if (n > 0) rt_buf_wrote(b, n < 512 ? (size_t)n : 511);
}
