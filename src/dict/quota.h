/* dict/quota.h - how many entries and bytes a dict has, and how many it may have.
**
** The counts are for all shards together, and are raised before an entry is added. So the bounds
** hold at every moment. Any thread.
*/
#ifndef RT_DICT_QUOTA_H
#define RT_DICT_QUOTA_H

#include "base/base.h"

#define RT_QUOTA_UNBOUNDED SIZE_MAX

typedef struct rt_quota_bounds {
  size_t entries, bytes;
  bool evicts; /* a full dict removes its least recently used entries; else it accepts no more */
} rt_quota_bounds;

typedef struct rt_quota {
  /* fixed */
  rt_quota_bounds bounds;
  /* atomic */
  rt_atomic(size_t) entries, bytes;
  rt_atomic(size_t) expiring; /* entries that have an expiry */
  rt_atomic(size_t) links;    /* values that hold shared objects (base/cycle.h) */
} rt_quota;

/* Adds 'entries', and 'bytes' in place of 'instead_of' bytes. False: a bound does not allow it;
** nothing has changed. */
bool rt_quota_take(rt_quota *q, size_t entries, size_t bytes, size_t instead_of);
void rt_quota_release(rt_quota *q, size_t entries, size_t bytes);

#endif
