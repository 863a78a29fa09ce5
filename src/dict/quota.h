/* dict/quota.h - how much a dict has of entries and bytes, and how much it may have.
**
** It is counted for all shards together, and before anything is put in: so the bounds hold at
** every moment.  Any thread.
*/
#ifndef RT_STOCK_H
#define RT_STOCK_H

#include "base/base.h"

#define RT_STOCK_UNBOUNDED SIZE_MAX

typedef struct rt_stock_bounds {
  size_t entries, bytes;
  bool evicts; /* otherwise it is full when it is full */
} rt_stock_bounds;

typedef struct rt_stock {
  /* fixed */
  rt_stock_bounds bounds;
  /* atomic */
  rt_atomic(size_t) entries, bytes;
  rt_atomic(size_t) mortal; /* entries that expire */
} rt_stock;

/* Room for this many entries, and for bytes in place of others; false: there is none. */
bool rt_stock_take(rt_stock *s, size_t entries, size_t bytes, size_t instead_of);
void rt_stock_release(rt_stock *s, size_t entries, size_t bytes);

#endif
