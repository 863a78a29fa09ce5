/* dict.h - a map that any thread may read and change.
**
** The entries are spread over shards, each with a lock of its own, by a hash that nobody
** outside can guess: threads that want different keys seldom meet, and nobody can make
** all keys fall together.  An operation takes one lock at a time and calls nothing under it.
**
** How much there may be of entries and bytes is counted for the whole dict, before anything
** is put in: the bounds hold at every moment.  What makes room is what has expired, in any
** shard; then, if the dict evicts, the entry that was not used for the longest time in one
** shard, and the next time in the next.  A small dict has one shard, so there it is exact.
**
** An entry that expires is gone for everybody from then on; its memory comes back when
** its shard is written to, when somebody counts, or when room is needed.
*/
#ifndef RT_DICT_H
#define RT_DICT_H

#include "heap.h"
#include "list.h"
#include "thing.h"
#include "value.h"

#define RT_DICT_NEVER UINT64_MAX
#define RT_DICT_AS_BEFORE 0
#define RT_DICT_UNBOUNDED SIZE_MAX

typedef struct rt_dict_bounds {
  size_t entries, bytes;
  bool evicts; /* otherwise it is full when it is full */
} rt_dict_bounds;

typedef struct rt_dict_key {
  const char *bytes; /* the caller's */
  uint32_t len;
  uint8_t type; /* what the bytes are: the caller knows, 0 to 7 */
} rt_dict_key;

typedef struct rt_dict_entry rt_dict_entry;

typedef struct rt_dict_shard {
  /* under lock */
  rt_lock lock;
  rt_dict_entry **buckets;
  size_t size, count; /* of buckets: a power of two, or 0; of entries */
  uint64_t version;   /* of the latest change */
  rt_list used;       /* its entries, the one used last at the end; only if the dict evicts */
  rt_heap heap;       /* of those that expire */
  char apart[16];     /* two cache lines */
} rt_dict_shard;

typedef struct rt_dict {
  rt_thing thing;
  /* fixed */
  rt_dict_bounds bounds;
  uint64_t seed[2];
  uint32_t shard_count; /* a power of two */
  /* atomic */
  rt_atomic(size_t) entries, bytes;
  rt_atomic(size_t) mortal;   /* entries that expire */
  rt_atomic(uint32_t) victim; /* the shard that evicts next */
  rt_dict_shard shards[];
} rt_dict;

typedef enum rt_dict_answer {
  RT_DICT_DONE,
  RT_DICT_NOT, /* the condition does not hold */
  RT_DICT_FULL,
  RT_DICT_NOMEM
} rt_dict_answer;

typedef enum rt_dict_rule {
  RT_DICT_ALWAYS,
  RT_DICT_ABSENT,   /* there is no such entry */
  RT_DICT_PRESENT,  /* there is one */
  RT_DICT_EXPECTED, /* its value is this one; NONE: there is none */
  RT_DICT_VERSION   /* nothing has happened to it since rt_dict_get; 0: there is none */
} rt_dict_rule;

typedef struct rt_dict_put {
  rt_dict_rule rule;
  const rt_value *value; /* NONE: the entry goes.  The dict holds it, too, then */
  const rt_value *expected;
  uint64_t version;
  uint64_t expires; /* rt_clock(), NEVER, or AS_BEFORE: of a new entry, never */
} rt_dict_put;

void rt_dict_free(rt_thing *t); /* of its kind */

rt_dict *rt_dict_new(const rt_thing_kind *kind, const rt_dict_bounds *bounds); /* NULL: no memory */
static inline rt_dict *rt_dict_of(rt_thing *t) { return rt_containerof(t, rt_dict, thing); }

/* All of these from any thread. */

/* What is there, NONE if nothing; the caller holds it. */
uint64_t rt_dict_get(rt_dict *d, const rt_dict_key *key, rt_value *value); /* its version */

rt_dict_answer rt_dict_apply(rt_dict *d, const rt_dict_key *key, const rt_dict_put *put);

/* Adds to a number ('initial' if there is nothing; NONE: then it is NOT done); 'value' is
** what it is then.  NOT: it is no number. */
rt_dict_answer rt_dict_incr(rt_dict *d, const rt_dict_key *key, const rt_value *delta,
                            const rt_value *initial, rt_value *value);

/* When it expires: rt_clock() or NEVER; 0: there is none. */
uint64_t rt_dict_expires(rt_dict *d, const rt_dict_key *key);
rt_dict_answer rt_dict_expire(rt_dict *d, const rt_dict_key *key, uint64_t expires);

/* Entries that have not expired. */
size_t rt_dict_count(rt_dict *d);
void rt_dict_clear(rt_dict *d);

/* Writes the keys of a shard to 'buffer', each as rt_dict_key_at reads it.  How many bytes
** that needs: if more than there are, none have been written. */
size_t rt_dict_keys(rt_dict *d, uint32_t shard, char *buffer, size_t size);
const char *rt_dict_key_at(const char *at, rt_dict_key *key); /* where the next one begins */

#endif
