/* dict/shard.h - a part of a dict: the entries whose keys fall into it, under one lock.
**
** They stand in buckets by their keys, in a list by when they were last used (if the dict
** evicts), and in a heap by when they expire (those that do).  What has expired is not found
** any more; it is removed when somebody comes across it.
**
** But for init, close and bury, the caller holds the lock.  Entries that leave go to the
** caller's grave: it buries them when it has given the lock back.
*/
#ifndef RT_DICT_SHARD_H
#define RT_DICT_SHARD_H

#include "base/heap.h"
#include "base/list.h"
#include "dict/quota.h"
#include "dict/value.h"

#define RT_SHARD_NO_EXPIRY UINT64_MAX
#define RT_SHARD_KEEP_EXPIRY 0

typedef struct rt_shard_key {
  const char *bytes; /* the caller's */
  uint32_t len;
  uint8_t type; /* what the bytes are: the caller knows, 0 to 7 */
} rt_shard_key;

typedef struct rt_shard_entry {
  struct rt_shard_entry *next; /* in its bucket; or in the grave */
  uint64_t hash;
  uint64_t version;
  rt_list link; /* of 'used' */
  rt_value value;
  rt_heap_node expires; /* its key is when, or NEVER */
  uint32_t len;
  uint8_t type;
  char key[];
} rt_shard_entry;

typedef struct rt_shard {
  /* fixed */
  rt_quota *quota; /* of the dict */
  /* under lock */
  rt_lock lock;
  rt_shard_entry **buckets;
  size_t size, count; /* of buckets: a power of two, or 0; of entries */
  uint64_t version;   /* of the latest change */
  rt_list lru;        /* its entries, the one used last at the end; only if the dict evicts */
  rt_heap expiry;     /* of those that expire */
  char padding[8];    /* two cache lines */
} rt_shard;

typedef struct rt_shard_removed {
  rt_shard_entry *first;
} rt_shard_removed;

int rt_shard_init(rt_shard *s, rt_quota *quota); /* 0 or UV_E… */
void rt_shard_close(rt_shard *s);                /* it is empty */
void rt_shard_discard(rt_shard_removed *g);

/* The entry, or NULL. */
rt_shard_entry *rt_shard_find(rt_shard *s, const rt_shard_key *key, uint64_t hash,
                              rt_shard_removed *g);

/* An entry with a key that is not there yet; a new value in one that is, whose old value is the
** caller's then.  They hold the value.  0, UV_ENOSPC (the bounds) or UV_ENOMEM: then nothing has
** changed. */
int rt_shard_add(rt_shard *s, const rt_shard_key *key, uint64_t hash, const rt_value *v,
                 uint64_t expires, rt_shard_removed *g);
int rt_shard_replace(rt_shard *s, rt_shard_entry *e, const rt_value *v, uint64_t expires,
                     rt_value *old);
int rt_shard_expire(rt_shard *s, rt_shard_entry *e, uint64_t expires); /* 0 or UV_ENOMEM */
void rt_shard_remove(rt_shard *s, rt_shard_entry *e, rt_shard_removed *g);
void rt_shard_use(rt_shard *s, rt_shard_entry *e); /* now it is the one used last */

/* At most so many that have expired; how many they were. */
size_t rt_shard_sweep(rt_shard *s, uint64_t now, size_t most, rt_shard_removed *g);
/* The one that was not used for the longest time; false: there is none. */
bool rt_shard_evict(rt_shard *s, rt_shard_removed *g);
void rt_shard_clear(rt_shard *s, rt_shard_removed *g);

/* What an entry with this key and value takes of the stock's bytes. */
size_t rt_shard_size(const rt_shard_key *key, const rt_value *v);

/* Writes the keys of what has not expired, as rt_shard_key_at reads them; 'at' NULL: none.  How
** many bytes they need. */
size_t rt_shard_keys(rt_shard *s, uint64_t now, char *at);
const char *rt_shard_key_at(const char *at, rt_shard_key *key); /* where the next one begins */

#endif
