/* dict/dict.h - a map that any thread may read and change: rt.dict.
**
** The entries are spread over shards by a hash of the key; each shard has its own lock. Threads
** that use different keys seldom use the same shard, and since the hash is seeded at random, keys
** cannot be chosen so that all fall into one shard. An operation takes one lock at a time and calls
** no function of the program under it.
**
** When the quota is used up, a change makes room: it removes the expired entries of all shards or,
** if there are none and the dict evicts, the least recently used entry of one shard; the next time,
** of the next shard. (A small dict has one shard, so there the order is exact.)
**
** An expired entry is not found any more. Its memory is freed when its shard is written to, when
** the entries are counted, or when room is made.
*/
#ifndef RT_DICT_DICT_H
#define RT_DICT_DICT_H

#include "base/shared.h"
#include "dict/shard.h"

#define RT_DICT_NO_EXPIRY RT_SHARD_NO_EXPIRY
#define RT_DICT_KEEP_EXPIRY RT_SHARD_KEEP_EXPIRY
#define RT_DICT_UNBOUNDED RT_QUOTA_UNBOUNDED

typedef rt_quota_bounds rt_dict_bounds;
typedef rt_shard_key rt_dict_key;

typedef struct rt_dict {
  rt_shared shared;
  /* fixed */
  uint64_t seed[2];     /* of the hash */
  uint32_t shard_count; /* a power of two */
  /* atomic */
  rt_quota quota;
  rt_atomic(uint32_t) next_victim; /* round-robin: the shard that evicts next */
  /* each under its own lock */
  rt_shard shards[];
} rt_dict;

/* How a dict holds messages: for the kind of dicts. */
extern const rt_shared_content rt_dict_content;

typedef enum rt_dict_result {
  RT_DICT_DONE,
  RT_DICT_UNMET, /* the condition does not hold */
  RT_DICT_FULL,  /* the quota does not allow it, and no room can be made */
  RT_DICT_NOMEM
} rt_dict_result;

typedef enum rt_dict_condition {
  RT_DICT_UNCONDITIONAL,
  RT_DICT_IF_ABSENT,
  RT_DICT_IF_PRESENT,
  RT_DICT_IF_EQUAL,  /* to 'expected', whose type is RT_VALUE_NONE if there must be no entry */
  RT_DICT_IF_VERSION /* the entry was not changed since rt_dict_get; 0: there is none */
} rt_dict_condition;

/* A conditional change of one entry. The values stay the caller's; the dict holds its own
** reference. */
typedef struct rt_dict_put {
  rt_dict_condition condition;
  const rt_value *value; /* RT_VALUE_NONE: remove the entry */
  const rt_value *expected;
  uint64_t version;
  uint64_t expires; /* clock, RT_DICT_NO_EXPIRY, or RT_DICT_KEEP_EXPIRY (a new entry: no expiry) */
} rt_dict_put;

/* Any thread: the 'free' of a dict's kind. */
void rt_dict_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
rt_dict *rt_dict_new(const rt_shared_kind *kind, const rt_dict_bounds *bounds);
static inline rt_dict *rt_dict_of(rt_shared *shared) {
  return rt_containerof(shared, rt_dict, shared);
}

/* --- any thread ------------------------------------------------------------------------------- */
/* *value: the value, with a reference; RT_VALUE_NONE: there is no entry. Returns the version of the
** entry, or 0. */
uint64_t rt_dict_get(rt_dict *d, const rt_dict_key *key, rt_value *value);

/* If the condition holds, changes the entry, in one atomic step. If not DONE, nothing has
** changed. */
rt_dict_result rt_dict_apply(rt_dict *d, const rt_dict_key *key, const rt_dict_put *put);

/* Adds 'delta' to the number in the entry, or to 'initial' if there is none, in one atomic step.
** *value: the sum. UNMET: it is no number, or there is none and 'initial' is RT_VALUE_NONE. */
rt_dict_result rt_dict_incr(rt_dict *d, const rt_dict_key *key, const rt_value *delta,
                            const rt_value *initial, rt_value *value);

/* The clock when the entry expires, or RT_DICT_NO_EXPIRY; 0: there is no entry. */
uint64_t rt_dict_expires(rt_dict *d, const rt_dict_key *key);
/* UNMET: there is no entry. */
rt_dict_result rt_dict_expire(rt_dict *d, const rt_dict_key *key, uint64_t expires);

/* The number of entries that have not expired; removes all entries. The shards are locked one after
** the other, so other threads may change one in between. */
size_t rt_dict_count(rt_dict *d);
void rt_dict_clear(rt_dict *d);

/* Copies the keys of a shard to 'buffer', to be read with rt_shard_key_at. Returns how many bytes
** they need: if that is more than 'size', nothing was copied. */
size_t rt_dict_keys(rt_dict *d, uint32_t shard, char *buffer, size_t size);

#endif
