/* dict/shard.h - a part of a dict: the entries whose keys fall into it, under one lock.
**
** Each entry is in a bucket of the hash table; if the dict evicts, also in a list by its last use;
** and if it has an expiry, also in a heap. An expired entry is not found; the operation that looks
** for its key removes it.
**
** The caller holds the lock, except for rt_shard_init, rt_shard_close and rt_shard_discard. Entries
** that are removed go to the caller's rt_shard_removed, which it discards after it has given the
** lock back: to free a value may free shared objects, which must not happen under a lock.
*/
#ifndef RT_DICT_SHARD_H
#define RT_DICT_SHARD_H

#include "base/heap.h"
#include "base/list.h"
#include "dict/quota.h"
#include "dict/value.h"

#define RT_SHARD_NO_EXPIRY UINT64_MAX
#define RT_SHARD_KEEP_EXPIRY 0 /* of a change: the entry keeps the expiry that it has */

typedef struct rt_shard_key {
  const char *bytes; /* the caller's */
  uint32_t len;
  uint8_t type; /* of the Lua value that the bytes stand for (lib/sync/dict_value.c); 0 to 7 */
} rt_shard_key;

typedef struct rt_shard_entry {
  struct rt_shard_entry *next; /* in its bucket, or in an rt_shard_removed */
  uint64_t hash;
  uint64_t version; /* of its last change */
  rt_list link;     /* in 'lru' */
  rt_value value;
  rt_heap_node expires; /* in 'expiry'; its key is the clock, or RT_SHARD_NO_EXPIRY */
  uint32_t len;         /* of the key */
  uint8_t type;         /* of the key */
  char key[];
} rt_shard_entry;

typedef struct rt_shard {
  /* fixed */
  rt_quota *quota; /* of the dict */
  /* under the lock */
  rt_lock lock;
  rt_shard_entry **buckets;
  size_t size;      /* of 'buckets': a power of two, or 0 */
  size_t count;     /* of entries */
  uint64_t version; /* counts changes: each changed entry gets the next number */
  rt_list lru;      /* entries, the least recently used first; empty unless the dict evicts */
  rt_heap expiry;   /* entries that have an expiry, by clock */
  char padding[8];  /* the struct fills two cache lines */
} rt_shard;

typedef struct rt_shard_removed {
  rt_shard_entry *first;
} rt_shard_removed;

int rt_shard_init(rt_shard *s, rt_quota *quota); /* 0 or UV_E… */
void rt_shard_close(rt_shard *s);                /* it must be empty */
void rt_shard_discard(rt_shard_removed *removed);

/* The entry, or NULL. */
rt_shard_entry *rt_shard_find(rt_shard *s, const rt_shard_key *key, uint64_t hash,
                              rt_shard_removed *removed);

/* Adds an entry whose key must not be in the shard; replaces the value of an entry, and hands the
** old value with its reference to the caller. Both take a reference to the new value. 0; UV_ENOSPC:
** the quota does not allow it; UV_ENOMEM; then nothing has changed. */
int rt_shard_add(rt_shard *s, const rt_shard_key *key, uint64_t hash, const rt_value *v,
                 uint64_t expires, rt_shard_removed *removed);
int rt_shard_replace(rt_shard *s, rt_shard_entry *e, const rt_value *v, uint64_t expires,
                     rt_value *old);
int rt_shard_expire(rt_shard *s, rt_shard_entry *e, uint64_t expires); /* 0 or UV_ENOMEM */
void rt_shard_remove(rt_shard *s, rt_shard_entry *e, rt_shard_removed *removed);
/* Makes it the most recently used entry. */
void rt_shard_use(rt_shard *s, rt_shard_entry *e);

/* Removes at most 'max' expired entries; returns how many. */
size_t rt_shard_sweep(rt_shard *s, uint64_t now, size_t max, rt_shard_removed *removed);
/* Removes the least recently used entry. False: there is none. */
bool rt_shard_evict(rt_shard *s, rt_shard_removed *removed);
void rt_shard_clear(rt_shard *s, rt_shard_removed *removed);

/* The bytes that an entry with this key and value takes of the quota. */
size_t rt_shard_size(const rt_shard_key *key, const rt_value *v);

/* Copies the keys that have not expired to 'at' (NULL: none is copied); returns how many bytes they
** need. */
size_t rt_shard_keys(rt_shard *s, uint64_t now, char *at);
/* Reads the key at 'at'; returns where the next one begins. */
const char *rt_shard_key_at(const char *at, rt_shard_key *key);

#endif
