/* dict/dict.h - a map that any thread may read and change.
**
** The entries are spread over shards, each with a lock of its own, by a hash that nobody
** outside can guess: threads that want different keys seldom meet, and nobody can make
** all keys fall together.  An operation takes one lock at a time and calls nothing under it.
**
** When the stock is full, what makes room is what has expired, in any shard; then, if the dict
** evicts, the entry that was not used for the longest time in one shard, and the next time in
** the next.  A small dict has one shard, so there it is exact.
**
** An entry that expires is gone for everybody from then on; its memory comes back when
** its shard is written to, when somebody counts, or when room is needed.
*/
#ifndef RT_DICT_DICT_H
#define RT_DICT_DICT_H

#include "dict/shard.h"
#include "base/shared.h"

#define RT_DICT_NO_EXPIRY RT_SHARD_NO_EXPIRY
#define RT_DICT_KEEP_EXPIRY RT_SHARD_KEEP_EXPIRY
#define RT_DICT_UNBOUNDED RT_QUOTA_UNBOUNDED

typedef rt_quota_bounds rt_dict_bounds;
typedef rt_shard_key rt_dict_key;

typedef struct rt_dict {
  rt_shared shared;
  /* fixed */
  uint64_t seed[2];
  uint32_t shard_count; /* a power of two */
  /* atomic */
  rt_quota quota;
  rt_atomic(uint32_t) next_victim; /* the shard that evicts next */
  /* under the lock of each */
  rt_shard shards[];
} rt_dict;

typedef enum rt_dict_result {
  RT_DICT_DONE,
  RT_DICT_UNMET, /* the condition does not hold */
  RT_DICT_FULL,
  RT_DICT_NOMEM
} rt_dict_result;

typedef enum rt_dict_condition {
  RT_DICT_UNCONDITIONAL,
  RT_DICT_IF_ABSENT,  /* there is no such entry */
  RT_DICT_IF_PRESENT, /* there is one */
  RT_DICT_IF_EQUAL,   /* its value is this one; NONE: there is none */
  RT_DICT_IF_VERSION  /* nothing has happened to it since rt_dict_get; 0: there is none */
} rt_dict_condition;

typedef struct rt_dict_put {
  rt_dict_condition condition;
  const rt_value *value; /* NONE: the entry goes.  The dict holds it, too, then */
  const rt_value *expected;
  uint64_t version;
  uint64_t expires; /* rt_clock(), NEVER, or AS_BEFORE: of a new entry, never */
} rt_dict_put;

void rt_dict_free(rt_shared *t); /* of its kind */

rt_dict *rt_dict_new(const rt_shared_kind *kind,
                     const rt_dict_bounds *bounds); /* NULL: no memory */
static inline rt_dict *rt_dict_of(rt_shared *t) { return rt_containerof(t, rt_dict, shared); }

/* All of these from any thread. */

/* What is there, NONE if nothing; the caller holds it. */
uint64_t rt_dict_get(rt_dict *d, const rt_dict_key *key, rt_value *value); /* its version */

rt_dict_result rt_dict_apply(rt_dict *d, const rt_dict_key *key, const rt_dict_put *put);

/* Adds to a number ('initial' if there is nothing; NONE: then it is NOT done); 'value' is
** what it is then.  NOT: it is no number. */
rt_dict_result rt_dict_incr(rt_dict *d, const rt_dict_key *key, const rt_value *delta,
                            const rt_value *initial, rt_value *value);

/* When it expires: rt_clock() or NEVER; 0: there is none. */
uint64_t rt_dict_expires(rt_dict *d, const rt_dict_key *key);
rt_dict_result rt_dict_expire(rt_dict *d, const rt_dict_key *key, uint64_t expires);

/* Entries that have not expired. */
size_t rt_dict_count(rt_dict *d);
void rt_dict_clear(rt_dict *d);

/* Writes the keys of a shard to 'buffer', each as rt_shard_key_at reads it.  How many bytes
** that needs: if more than there are, none have been written. */
size_t rt_dict_keys(rt_dict *d, uint32_t shard, char *buffer, size_t size);

#endif
