#include "dict.h"

#include "hash.h"

enum {
  SHARDS = RT_SIZE(64, 2),
  ENTRIES_A_SHARD = RT_SIZE(1024, 8), /* of a dict that evicts, at least */
  BYTES_A_SHARD = ENTRIES_A_SHARD * 256,
  SMALLEST = RT_SIZE(8, 1),
  EXPIRED_AT_ONCE = 4 /* entries that a write removes */
};

struct rt_dict_entry {
  rt_dict_entry *next; /* in its bucket; or in the grave */
  uint64_t hash;
  uint64_t version;
  rt_list link; /* of 'used' */
  rt_value value;
  rt_heap_node expires; /* its key is when, or NEVER */
  uint32_t len;
  uint8_t type;
  char key[];
};

static uint64_t hash_of(const rt_dict *d, const rt_dict_key *key) {
  return rt_hash(d->seed, key->bytes, key->len, key->type);
}

/* The shard by the high bits, the bucket by the low ones. */
static rt_dict_shard *shard_of(rt_dict *d, uint64_t hash) {
  return &d->shards[hash >> 32 & (d->shard_count - 1)];
}

/* --- how much there is ------------------------------------------------------------------------------ */
static size_t size_of(uint32_t key_len, const rt_value *v) {
  return sizeof(rt_dict_entry) + 2 * sizeof(void *) + key_len + rt_value_size(v);
}

static bool take(rt_atomic(size_t) * counter, size_t n, size_t most) {
  if (n == 0) return true;
  size_t before = rt_load_relaxed(counter);
  do {
    if (n > most || before > most - n) return false;
  } while (!rt_cas(counter, &before, before + n));
  return true;
}

/* Room for this many entries, and for bytes in place of others. */
static bool reserve(rt_dict *d, size_t entries, size_t bytes, size_t instead_of) {
  if (!take(&d->entries, entries, d->bounds.entries)) return false;
  if (bytes <= instead_of) {
    if (bytes < instead_of) rt_sub(&d->bytes, instead_of - bytes);
    return true;
  }
  if (take(&d->bytes, bytes - instead_of, d->bounds.bytes)) return true;
  if (entries > 0) rt_sub(&d->entries, entries);
  return false;
}

static void release(rt_dict *d, size_t entries, size_t bytes) {
  rt_sub(&d->entries, entries);
  rt_sub(&d->bytes, bytes);
}

/* --- what expires -------------------------------------------------------------------------------- */
static bool is_mortal(const rt_dict_entry *e) { return e->expires.place > 0; }

static bool has_expired(const rt_dict_entry *e, uint64_t now) {
  return is_mortal(e) && e->expires.key <= now;
}

static void make_immortal(rt_dict *d, rt_dict_shard *s, rt_dict_entry *e) {
  if (!is_mortal(e)) return;
  rt_heap_remove(&s->heap, &e->expires);
  rt_sub(&d->mortal, 1);
}

/* false: no memory */
static bool set_expiry(rt_dict *d, rt_dict_shard *s, rt_dict_entry *e, uint64_t expires) {
  if (expires == RT_DICT_NEVER) {
    make_immortal(d, s, e);
    e->expires.key = expires;
    return true;
  }
  if (!is_mortal(e)) {
    if (!rt_heap_reserve(&s->heap)) return false;
    rt_add(&d->mortal, 1);
  }
  rt_heap_put(&s->heap, &e->expires, expires);
  return true;
}

/* --- entries --------------------------------------------------------------------------------------- */
/* Where the bucket, or an entry of it, points at the one with the key; or at the end. */
static rt_dict_entry **find(rt_dict_shard *s, const rt_dict_key *key, uint64_t hash) {
  rt_dict_entry **at = &s->buckets[hash & (s->size - 1)];
  for (rt_dict_entry *e; (e = *at) != NULL; at = &e->next)
    if (e->hash == hash && e->type == key->type && e->len == key->len &&
        memcmp(e->key, key->bytes, key->len) == 0)
      break;
  return at;
}

static rt_dict_entry **place_of(rt_dict_shard *s, const rt_dict_entry *e) {
  rt_dict_entry **at = &s->buckets[e->hash & (s->size - 1)];
  while (*at != e) at = &(*at)->next;
  return at;
}

/* Without memory the chains become longer, or stay short: it is of no consequence. */
static void resize(rt_dict_shard *s, size_t size) {
  rt_dict_entry **buckets = rt_calloc(size * sizeof(rt_dict_entry *));
  if (buckets == NULL) return;
  for (size_t i = 0; i < s->size; i++) {
    for (rt_dict_entry *e = s->buckets[i], *next; e != NULL; e = next) {
      next = e->next;
      e->next = buckets[e->hash & (size - 1)];
      buckets[e->hash & (size - 1)] = e;
    }
  }
  rt_free(s->buckets);
  s->buckets = buckets;
  s->size = size;
}

/* Entries that are no longer in the dict, until the lock has been given back. */
typedef struct grave {
  rt_dict_entry *first;
} grave;

static void bury(grave *g) {
  for (rt_dict_entry *e = g->first, *next; e != NULL; e = next) {
    next = e->next;
    rt_value_drop(&e->value);
    rt_free(e);
  }
}

static void remove_entry(rt_dict *d, rt_dict_shard *s, rt_dict_entry **at, grave *g) {
  rt_dict_entry *e = *at;
  *at = e->next;
  e->next = g->first;
  g->first = e;
  make_immortal(d, s, e);
  rt_list_remove(&e->link);
  s->count--;
  s->version++;
  release(d, 1, size_of(e->len, &e->value));
  if (s->size > SMALLEST && s->count < s->size / 8) resize(s, s->size / 2);
}

/* At most so many that have expired; how many they were. */
static size_t expire_some(rt_dict *d, rt_dict_shard *s, uint64_t now, size_t most, grave *g) {
  size_t n = 0;
  rt_heap_node *next;
  while (n < most && (next = rt_heap_first(&s->heap)) != NULL && next->key <= now) {
    rt_dict_entry *e = rt_containerof(next, rt_dict_entry, expires);
    remove_entry(d, s, place_of(s, e), g);
    n++;
  }
  return n;
}

/* The entry, or NULL; what has expired goes to the grave. */
static rt_dict_entry *look_up(rt_dict *d, rt_dict_shard *s, const rt_dict_key *key, uint64_t hash,
                              grave *g) {
  if (s->size == 0) return NULL;
  rt_dict_entry **at = find(s, key, hash);
  rt_dict_entry *e = *at;
  if (e && has_expired(e, rt_clock())) {
    remove_entry(d, s, at, g);
    return NULL;
  }
  return e;
}

static void touch(rt_dict *d, rt_dict_shard *s, rt_dict_entry *e) {
  if (!d->bounds.evicts || s->used.prev == &e->link) return;
  rt_list_remove(&e->link);
  rt_list_append(&s->used, &e->link);
}

static rt_dict_entry *add_entry(rt_dict *d, rt_dict_shard *s, const rt_dict_key *key,
                                uint64_t hash) {
  if (s->count >= s->size) resize(s, s->size ? s->size * 2 : SMALLEST);
  if (s->size == 0) return NULL;
  rt_dict_entry *e = rt_malloc(sizeof *e + key->len);
  if (e == NULL) return NULL;
  rt_dict_entry **bucket = &s->buckets[hash & (s->size - 1)];
  *e = (rt_dict_entry){.next = *bucket, .hash = hash, .expires = {.key = RT_DICT_NEVER}};
  e->len = key->len;
  e->type = key->type;
  memcpy(e->key, key->bytes, key->len);
  rt_list_init(&e->link);
  *bucket = e;
  s->count++;
  touch(d, s, e);
  return e;
}

/* --- making room ----------------------------------------------------------------------------------- */
/* What has expired, everywhere. */
static size_t expire_all(rt_dict *d) {
  size_t n = 0;
  if (rt_load(&d->mortal) == 0) return 0;
  uint64_t now = rt_clock();
  for (uint32_t i = 0; i < d->shard_count; i++) {
    rt_dict_shard *s = &d->shards[i];
    grave g = {NULL};
    rt_lock_take(&s->lock);
    n += expire_some(d, s, now, SIZE_MAX, &g);
    rt_lock_give(&s->lock);
    bury(&g);
  }
  return n;
}

static bool evict_from(rt_dict *d, rt_dict_shard *s) {
  grave g = {NULL};
  rt_lock_take(&s->lock);
  rt_list *l = rt_list_first(&s->used);
  if (l) remove_entry(d, s, place_of(s, rt_containerof(l, rt_dict_entry, link)), &g);
  rt_lock_give(&s->lock);
  bury(&g);
  return l != NULL;
}

static bool evict(rt_dict *d) {
  if (!d->bounds.evicts) return false;
  for (uint32_t i = 0; i < d->shard_count; i++) {
    uint32_t n = rt_add_relaxed(&d->victim, 1);
    if (evict_from(d, &d->shards[n & (d->shard_count - 1)])) return true;
  }
  return true; /* they come and go, and may just all have gone: look again */
}

/* false: there is none to be made. */
static bool make_room(rt_dict *d, const rt_dict_key *key, const rt_value *v) {
  if (size_of(key->len, v) > d->bounds.bytes) return false;
  return expire_all(d) > 0 || evict(d);
}

/* --- changing ---------------------------------------------------------------------------------------- */
static bool holds(const rt_dict_put *p, const rt_dict_entry *e) {
  static const rt_value none = {.type = RT_VALUE_NONE};
  switch (p->rule) {
    case RT_DICT_ABSENT: return e == NULL;
    case RT_DICT_PRESENT: return e != NULL;
    case RT_DICT_EXPECTED: return rt_value_equal(p->expected, e ? &e->value : &none);
    case RT_DICT_VERSION: return p->version == (e ? e->version : 0);
    default: return true;
  }
}

/* A new value in an entry; the caller drops the old one. */
static void set_value(rt_dict_shard *s, rt_dict_entry *e, const rt_value *v) {
  rt_value_hold(v);
  e->value = *v;
  e->version = ++s->version;
}

static rt_dict_answer insert_locked(rt_dict *d, rt_dict_shard *s, const rt_dict_key *key,
                                    uint64_t hash, const rt_value *v, uint64_t expires, grave *g) {
  size_t size = size_of(key->len, v);
  if (rt_heap_first(&s->heap)) expire_some(d, s, rt_clock_coarse(), EXPIRED_AT_ONCE, g);
  if (!reserve(d, 1, size, 0)) return RT_DICT_FULL;
  rt_dict_entry *e = add_entry(d, s, key, hash);
  if (e == NULL) {
    release(d, 1, size);
    return RT_DICT_NOMEM;
  }
  set_value(s, e, v);
  if (expires != RT_DICT_AS_BEFORE && !set_expiry(d, s, e, expires)) {
    remove_entry(d, s, place_of(s, e), g);
    return RT_DICT_NOMEM;
  }
  return RT_DICT_DONE;
}

static rt_dict_answer replace_locked(rt_dict *d, rt_dict_shard *s, rt_dict_entry *e,
                                     const rt_value *v, uint64_t expires, rt_value *old) {
  size_t before = rt_value_size(&e->value), after = rt_value_size(v);
  if (!is_mortal(e) && expires != RT_DICT_AS_BEFORE && expires != RT_DICT_NEVER &&
      !rt_heap_reserve(&s->heap))
    return RT_DICT_NOMEM;
  touch(d, s, e);
  if (!reserve(d, 0, after, before)) return RT_DICT_FULL;
  if (expires != RT_DICT_AS_BEFORE) set_expiry(d, s, e, expires);
  *old = e->value;
  set_value(s, e, v);
  return RT_DICT_DONE;
}

static rt_dict_answer apply_locked(rt_dict *d, rt_dict_shard *s, const rt_dict_key *key,
                                   uint64_t hash, const rt_dict_put *p, rt_value *old, grave *g) {
  rt_dict_entry *e = look_up(d, s, key, hash, g);
  if (!holds(p, e)) return RT_DICT_NOT;
  if (p->value->type == RT_VALUE_NONE) {
    if (e) remove_entry(d, s, place_of(s, e), g);
    return RT_DICT_DONE;
  }
  if (e) return replace_locked(d, s, e, p->value, p->expires, old);
  return insert_locked(d, s, key, hash, p->value, p->expires, g);
}

rt_dict_answer rt_dict_apply(rt_dict *d, const rt_dict_key *key, const rt_dict_put *p) {
  uint64_t hash = hash_of(d, key);
  rt_dict_shard *s = shard_of(d, hash);
  for (;;) {
    rt_value old = {.type = RT_VALUE_NONE};
    grave g = {NULL};
    rt_lock_take(&s->lock);
    rt_dict_answer answer = apply_locked(d, s, key, hash, p, &old, &g);
    rt_lock_give(&s->lock);
    rt_value_drop(&old);
    bury(&g);
    if (answer != RT_DICT_FULL || !make_room(d, key, p->value)) return answer;
  }
}

static bool is_number(const rt_value *v) {
  return v->type == RT_VALUE_INTEGER || v->type == RT_VALUE_NUMBER;
}

static double number_of(const rt_value *v) {
  return v->type == RT_VALUE_INTEGER ? (double)v->integer : v->number;
}

/* Integers wrap around, as Lua's do. */
static rt_value sum_of(const rt_value *a, const rt_value *b) {
  rt_value sum = {.type = RT_VALUE_INTEGER};
  if (a->type == RT_VALUE_INTEGER && b->type == RT_VALUE_INTEGER) {
    sum.integer = (int64_t)((uint64_t)a->integer + (uint64_t)b->integer);
  } else {
    sum.type = RT_VALUE_NUMBER;
    sum.number = number_of(a) + number_of(b);
  }
  return sum;
}

static rt_dict_answer incr_locked(rt_dict *d, rt_dict_shard *s, const rt_dict_key *key,
                                  uint64_t hash, const rt_value *delta, const rt_value *initial,
                                  rt_value *value, grave *g) {
  rt_dict_entry *e = look_up(d, s, key, hash, g);
  const rt_value *before = e ? &e->value : initial;
  if (!is_number(before)) return RT_DICT_NOT;
  *value = sum_of(before, delta);
  if (e == NULL) return insert_locked(d, s, key, hash, value, RT_DICT_AS_BEFORE, g);
  set_value(s, e, value);
  touch(d, s, e);
  return RT_DICT_DONE;
}

rt_dict_answer rt_dict_incr(rt_dict *d, const rt_dict_key *key, const rt_value *delta,
                            const rt_value *initial, rt_value *value) {
  uint64_t hash = hash_of(d, key);
  rt_dict_shard *s = shard_of(d, hash);
  for (;;) {
    grave g = {NULL};
    rt_lock_take(&s->lock);
    rt_dict_answer answer = incr_locked(d, s, key, hash, delta, initial, value, &g);
    rt_lock_give(&s->lock);
    bury(&g);
    if (answer != RT_DICT_FULL || !make_room(d, key, value)) return answer;
  }
}

/* --- looking -------------------------------------------------------------------------------------------- */
uint64_t rt_dict_get(rt_dict *d, const rt_dict_key *key, rt_value *value) {
  uint64_t hash = hash_of(d, key), version = 0;
  rt_dict_shard *s = shard_of(d, hash);
  grave g = {NULL};
  value->type = RT_VALUE_NONE;
  rt_lock_take(&s->lock);
  rt_dict_entry *e = look_up(d, s, key, hash, &g);
  if (e) {
    touch(d, s, e);
    *value = e->value;
    rt_value_hold(value);
    version = e->version;
  }
  rt_lock_give(&s->lock);
  bury(&g);
  return version;
}

uint64_t rt_dict_expires(rt_dict *d, const rt_dict_key *key) {
  uint64_t hash = hash_of(d, key);
  rt_dict_shard *s = shard_of(d, hash);
  grave g = {NULL};
  rt_lock_take(&s->lock);
  rt_dict_entry *e = look_up(d, s, key, hash, &g);
  uint64_t expires = e ? e->expires.key : 0;
  rt_lock_give(&s->lock);
  bury(&g);
  return expires;
}

rt_dict_answer rt_dict_expire(rt_dict *d, const rt_dict_key *key, uint64_t expires) {
  uint64_t hash = hash_of(d, key);
  rt_dict_shard *s = shard_of(d, hash);
  rt_dict_answer answer = RT_DICT_NOT;
  grave g = {NULL};
  rt_lock_take(&s->lock);
  rt_dict_entry *e = look_up(d, s, key, hash, &g);
  if (e) answer = set_expiry(d, s, e, expires) ? RT_DICT_DONE : RT_DICT_NOMEM;
  rt_lock_give(&s->lock);
  bury(&g);
  return answer;
}

size_t rt_dict_count(rt_dict *d) {
  expire_all(d);
  return rt_load(&d->entries);
}

typedef struct key_head {
  uint32_t len;
  uint8_t type;
} key_head;

/* The entries that have not expired: their keys, from 'at' on, or their size alone. */
static size_t list_keys(rt_dict_shard *s, uint64_t now, char *at) {
  size_t size = 0;
  for (size_t i = 0; i < s->size; i++) {
    for (rt_dict_entry *e = s->buckets[i]; e != NULL; e = e->next) {
      if (has_expired(e, now)) continue;
      key_head head = {e->len, e->type};
      if (at) memcpy(at + size, &head, sizeof head);
      if (at) memcpy(at + size + sizeof head, e->key, e->len);
      size += sizeof head + e->len;
    }
  }
  return size;
}

size_t rt_dict_keys(rt_dict *d, uint32_t shard, char *buffer, size_t size) {
  rt_dict_shard *s = &d->shards[shard];
  uint64_t now = rt_clock();
  rt_lock_take(&s->lock);
  size_t needed = list_keys(s, now, NULL);
  if (needed <= size) list_keys(s, now, buffer);
  rt_lock_give(&s->lock);
  return needed;
}

const char *rt_dict_key_at(const char *at, rt_dict_key *key) {
  key_head head;
  memcpy(&head, at, sizeof head);
  key->bytes = at + sizeof head;
  key->len = head.len;
  key->type = head.type;
  return key->bytes + key->len;
}

/* --- beginning and end ----------------------------------------------------------------------------- */
static void clear(rt_dict *d, rt_dict_shard *s) {
  grave g = {NULL};
  size_t bytes = 0;
  rt_lock_take(&s->lock);
  for (size_t i = 0; i < s->size; i++) {
    for (rt_dict_entry *e = s->buckets[i], *next; e != NULL; e = next) {
      next = e->next;
      bytes += size_of(e->len, &e->value);
      e->next = g.first;
      g.first = e;
    }
  }
  release(d, s->count, bytes);
  rt_sub(&d->mortal, s->heap.count);
  rt_free(s->buckets);
  rt_heap_close(&s->heap);
  s->buckets = NULL;
  s->size = s->count = 0;
  s->version++;
  rt_list_init(&s->used);
  rt_lock_give(&s->lock);
  bury(&g);
}

void rt_dict_clear(rt_dict *d) {
  for (uint32_t i = 0; i < d->shard_count; i++) clear(d, &d->shards[i]);
}

void rt_dict_free(rt_thing *t) {
  rt_dict *d = rt_dict_of(t);
  rt_dict_clear(d);
  for (uint32_t i = 0; i < d->shard_count; i++) rt_lock_close(&d->shards[i].lock);
  rt_free(d);
}

/* Which entry goes is decided shard by shard: a shard is to have enough to choose from. */
static uint32_t shards_for(const rt_dict_bounds *b) {
  uint32_t n = SHARDS;
  if (!b->evicts) return n;
  while (n > 1 && (b->entries / n < ENTRIES_A_SHARD || b->bytes / n < BYTES_A_SHARD)) n /= 2;
  return n;
}

static bool init_shards(rt_dict *d, uint32_t count) {
  for (; d->shard_count < count; d->shard_count++) {
    rt_dict_shard *s = &d->shards[d->shard_count];
    if (rt_lock_init(&s->lock) != 0) return false;
    rt_list_init(&s->used);
  }
  return true;
}

rt_dict *rt_dict_new(const rt_thing_kind *kind, const rt_dict_bounds *bounds) {
  uint32_t count = shards_for(bounds);
  rt_dict *d = rt_calloc(sizeof *d + count * sizeof(rt_dict_shard));
  if (d == NULL) return NULL;
  rt_random r = {rt_random_seed()};
  rt_thing_init(&d->thing, kind);
  d->bounds = *bounds;
  d->seed[0] = rt_random_next(&r);
  d->seed[1] = rt_random_next(&r);
  if (!init_shards(d, count)) {
    rt_dict_free(&d->thing);
    return NULL;
  }
  return d;
}
