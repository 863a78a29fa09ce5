/* base/buf.h - a growing byte buffer: written at its end, read from its start.
**
** It holds, for example, the bytes that a socket has received and no task has read yet. Its
** capacity doubles when it is full; a buffer that becomes empty frees its memory.
*/
#ifndef RT_BASE_BUF_H
#define RT_BASE_BUF_H

#include "base/base.h"

typedef struct rt_buf {
  char *base;
  size_t cap;
  size_t head, tail; /* the content is base[head .. tail) */
} rt_buf;

void rt_buf_init(rt_buf *b);
void rt_buf_close(rt_buf *b);

static inline size_t rt_buf_len(const rt_buf *b) { return b->tail - b->head; }
static inline const char *rt_buf_data(const rt_buf *b) { return b->base + b->head; }

/* Returns a pointer to space for at least n bytes after the content; NULL: no memory. */
char *rt_buf_reserve(rt_buf *b, size_t n);
/* The caller has written n bytes to that space: they are content now. */
void rt_buf_wrote(rt_buf *b, size_t n);
/* Removes the first n bytes of the content. */
void rt_buf_drop(rt_buf *b, size_t n);
/* Appends n bytes. 0 or -ENOMEM. */
int rt_buf_put(rt_buf *b, const void *data, size_t n);

/* Appends text of at most 511 bytes, as printf; nothing if there is no memory. */
__attribute__((format(printf, 2, 3))) void rt_buf_printf(rt_buf *b, const char *form, ...);

#endif
