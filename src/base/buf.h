/* base/buf.h - bytes with an owner: written at one end, read at the other.
**
** A buffer holds what has arrived and was not asked for yet.  It grows by
** doubling, up to a limit that its owner names at each call, and gives its memory
** back when it is empty.
*/
#ifndef RT_BASE_BUF_H
#define RT_BASE_BUF_H

#include "base/base.h"

typedef struct rt_buf {
  char *base;
  size_t cap;
  size_t head, tail; /* what is held is base[head .. tail) */
} rt_buf;

void rt_buf_init(rt_buf *b);
void rt_buf_close(rt_buf *b);

static inline size_t rt_buf_len(const rt_buf *b) { return b->tail - b->head; }
static inline const char *rt_buf_data(const rt_buf *b) { return b->base + b->head; }

/* Room for at least n more bytes, or NULL when there is no memory for it. */
char *rt_buf_reserve(rt_buf *b, size_t n);
/* n of the bytes reserved have been written. */
void rt_buf_wrote(rt_buf *b, size_t n);
/* The first n bytes have been read. */
void rt_buf_drop(rt_buf *b, size_t n);
/* Copies n bytes in; 0 or -ENOMEM. */
int rt_buf_put(rt_buf *b, const void *data, size_t n);

/* printf into a buffer; what there is no memory for is missing. */
__attribute__((format(printf, 2, 3))) void rt_buf_printf(rt_buf *b, const char *form, ...);

#endif
