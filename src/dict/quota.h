/* dict/quota.h - how much a dict has of entries and bytes, and how much it may have.
**
** It is counted for all shards together, and before anything is put in: so the bounds hold at
** every moment.  Any thread.
*/
#ifndef RT_DICT_QUOTA_H
#define RT_DICT_QUOTA_H

#include "base/base.h"

#define RT_QUOTA_UNBOUNDED SIZE_MAX

typedef struct rt_quota_bounds {
  size_t entries, bytes;
  bool evicts; /* otherwise it is full when it is full */
} rt_quota_bounds;

typedef struct rt_quota {
  /* fixed */
  rt_quota_bounds bounds;
  /* atomic */
  rt_atomic(size_t) entries, bytes;
  rt_atomic(size_t) expiring; /* entries that expire */
} rt_quota;

/* Room for this many entries, and for bytes in place of others; false: there is none. */
bool rt_quota_take(rt_quota *s, size_t entries, size_t bytes, size_t instead_of);
void rt_quota_release(rt_quota *s, size_t entries, size_t bytes);

#endif
