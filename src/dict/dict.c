#include "dict/dict.h"

#include "base/cycle.h"
#include "base/siphash.h"

#include <uv.h>

enum {
  SHARDS = RT_SIZE(64, 2),
  MIN_SHARD_ENTRIES = RT_SIZE(1024, 8), /* of a dict that evicts; see shards_for */
  MIN_SHARD_BYTES = MIN_SHARD_ENTRIES * 256
};

static uint64_t key_hash(const rt_dict *d, const rt_dict_key *key) {
  return rt_siphash(d->seed, key->bytes, key->len, key->type);
}

/* The shard by the high bits, the bucket by the low ones. */
static rt_shard *shard_of(rt_dict *d, uint64_t hash) {
  return &d->shards[hash >> 32 & (d->shard_count - 1)];
}

static rt_dict_result dict_result(int err) {
  return err == 0 ? RT_DICT_DONE : err == UV_ENOSPC ? RT_DICT_FULL : RT_DICT_NOMEM;
}

/* --- making room ------------------------------------------------------------------------------ */
/* Removes the expired entries of all shards; returns how many. */
static size_t expire_all(rt_dict *d) {
  size_t n = 0;
  if (rt_load(&d->quota.expiring) == 0) return 0;
  uint64_t now = rt_clock();
  for (uint32_t i = 0; i < d->shard_count; i++) {
    rt_shard *s = &d->shards[i];
    rt_shard_removed removed = {NULL};
    rt_lock_take(&s->lock);
    n += rt_shard_sweep(s, now, SIZE_MAX, &removed);
    rt_lock_give(&s->lock);
    rt_shard_discard(&removed);
  }
  return n;
}

static bool evict_from(rt_shard *s) {
  rt_shard_removed removed = {NULL};
  rt_lock_take(&s->lock);
  bool evicted = rt_shard_evict(s, &removed);
  rt_lock_give(&s->lock);
  rt_shard_discard(&removed);
  return evicted;
}

/* (Relaxed: any order of the shards is correct.) */
static bool evict_one(rt_dict *d) {
  if (!d->quota.bounds.evicts) return false;
  for (uint32_t i = 0; i < d->shard_count; i++) {
    uint32_t n = rt_add_relaxed(&d->next_victim, 1);
    if (evict_from(&d->shards[n & (d->shard_count - 1)])) return true;
  }
  return true; /* other threads have removed the entries meanwhile: the change is tried again */
}

/* True: the change may succeed now. False: it cannot. */
static bool dict_make_room(rt_dict *d, const rt_dict_key *key, const rt_value *v) {
  if (rt_shard_size(key, v) > d->quota.bounds.bytes) return false;
  return expire_all(d) > 0 || evict_one(d);
}

/* --- changing --------------------------------------------------------------------------------- */
static bool is_met(const rt_dict_put *p, const rt_shard_entry *e) {
  static const rt_value none = {.type = RT_VALUE_NONE};
  switch (p->condition) {
    case RT_DICT_IF_ABSENT: return e == NULL;
    case RT_DICT_IF_PRESENT: return e != NULL;
    case RT_DICT_IF_EQUAL: return rt_value_equals(p->expected, e ? &e->value : &none);
    case RT_DICT_IF_VERSION: return p->version == (e ? e->version : 0);
    default: return true;
  }
}

static rt_dict_result apply_locked(rt_shard *s, const rt_dict_key *key, uint64_t hash,
                                   const rt_dict_put *p, rt_value *old, rt_shard_removed *removed) {
  rt_shard_entry *e = rt_shard_find(s, key, hash, removed);
  if (!is_met(p, e)) return RT_DICT_UNMET;
  if (p->value->type == RT_VALUE_NONE) {
    if (e) rt_shard_remove(s, e, removed);
    return RT_DICT_DONE;
  }
  return dict_result(e ? rt_shard_replace(s, e, p->value, p->expires, old)
                       : rt_shard_add(s, key, hash, p->value, p->expires, removed));
}

rt_dict_result rt_dict_apply(rt_dict *d, const rt_dict_key *key, const rt_dict_put *p) {
  uint64_t hash = key_hash(d, key);
  rt_shard *s = shard_of(d, hash);
  for (;;) {
    rt_value old = {.type = RT_VALUE_NONE};
    rt_shard_removed removed = {NULL};
    rt_lock_take(&s->lock);
    rt_dict_result result = apply_locked(s, key, hash, p, &old, &removed);
    rt_lock_give(&s->lock);
    if (rt_unlikely(rt_value_has_links(p->value))) rt_shared_note_link(&d->shared);
    rt_value_drop(&old);
    rt_shard_discard(&removed);
    if (result != RT_DICT_FULL || !dict_make_room(d, key, p->value)) return result;
  }
}

static bool is_number(const rt_value *v) {
  return v->type == RT_VALUE_INTEGER || v->type == RT_VALUE_NUMBER;
}

static double value_number(const rt_value *v) {
  return v->type == RT_VALUE_INTEGER ? (double)v->integer : v->number;
}

/* Integers wrap around, as in Lua. */
static rt_value sum_of(const rt_value *a, const rt_value *b) {
  rt_value sum = {.type = RT_VALUE_INTEGER};
  if (a->type == RT_VALUE_INTEGER && b->type == RT_VALUE_INTEGER) {
    sum.integer = (int64_t)((uint64_t)a->integer + (uint64_t)b->integer);
  } else {
    sum.type = RT_VALUE_NUMBER;
    sum.number = value_number(a) + value_number(b);
  }
  return sum;
}

static rt_dict_result incr_locked(rt_shard *s, const rt_dict_key *key, uint64_t hash,
                                  const rt_value *delta, const rt_value *initial, rt_value *value,
                                  rt_shard_removed *removed) {
  rt_value old;
  rt_shard_entry *e = rt_shard_find(s, key, hash, removed);
  const rt_value *before = e ? &e->value : initial;
  if (!is_number(before)) return RT_DICT_UNMET;
  *value = sum_of(before, delta);
  return dict_result(e ? rt_shard_replace(s, e, value, RT_DICT_KEEP_EXPIRY,
                                          &old) /* (it is a number: nothing to drop) */
                       : rt_shard_add(s, key, hash, value, RT_DICT_KEEP_EXPIRY, removed));
}

rt_dict_result rt_dict_incr(rt_dict *d, const rt_dict_key *key, const rt_value *delta,
                            const rt_value *initial, rt_value *value) {
  uint64_t hash = key_hash(d, key);
  rt_shard *s = shard_of(d, hash);
  for (;;) {
    rt_shard_removed removed = {NULL};
    rt_lock_take(&s->lock);
    rt_dict_result result = incr_locked(s, key, hash, delta, initial, value, &removed);
    rt_lock_give(&s->lock);
    rt_shard_discard(&removed);
    if (result != RT_DICT_FULL || !dict_make_room(d, key, value)) return result;
  }
}

/* --- reading ---------------------------------------------------------------------------------- */
uint64_t rt_dict_get(rt_dict *d, const rt_dict_key *key, rt_value *value) {
  uint64_t hash = key_hash(d, key), version = 0;
  rt_shard *s = shard_of(d, hash);
  rt_shard_removed removed = {NULL};
  value->type = RT_VALUE_NONE;
  rt_lock_take(&s->lock);
  rt_shard_entry *e = rt_shard_find(s, key, hash, &removed);
  if (e) {
    rt_shard_use(s, e);
    *value = e->value;
    rt_value_hold(value);
    version = e->version;
  }
  rt_lock_give(&s->lock);
  rt_shard_discard(&removed);
  return version;
}

uint64_t rt_dict_expires(rt_dict *d, const rt_dict_key *key) {
  uint64_t hash = key_hash(d, key);
  rt_shard *s = shard_of(d, hash);
  rt_shard_removed removed = {NULL};
  rt_lock_take(&s->lock);
  rt_shard_entry *e = rt_shard_find(s, key, hash, &removed);
  uint64_t expires = e ? e->expires.key : 0;
  rt_lock_give(&s->lock);
  rt_shard_discard(&removed);
  return expires;
}

rt_dict_result rt_dict_expire(rt_dict *d, const rt_dict_key *key, uint64_t expires) {
  uint64_t hash = key_hash(d, key);
  rt_shard *s = shard_of(d, hash);
  rt_dict_result result = RT_DICT_UNMET;
  rt_shard_removed removed = {NULL};
  rt_lock_take(&s->lock);
  rt_shard_entry *e = rt_shard_find(s, key, hash, &removed);
  if (e) result = dict_result(rt_shard_expire(s, e, expires));
  rt_lock_give(&s->lock);
  rt_shard_discard(&removed);
  return result;
}

size_t rt_dict_count(rt_dict *d) {
  expire_all(d);
  return rt_load(&d->quota.entries);
}

size_t rt_dict_keys(rt_dict *d, uint32_t shard, char *buffer, size_t size) {
  rt_shard *s = &d->shards[shard];
  uint64_t now = rt_clock();
  rt_lock_take(&s->lock);
  size_t needed = rt_shard_keys(s, now, NULL);
  if (needed <= size) rt_shard_keys(s, now, buffer);
  rt_lock_give(&s->lock);
  return needed;
}

/* --- life of a dict --------------------------------------------------------------------------- */
void rt_dict_clear(rt_dict *d) {
  for (uint32_t i = 0; i < d->shard_count; i++) {
    rt_shard *s = &d->shards[i];
    rt_shard_removed removed = {NULL};
    rt_lock_take(&s->lock);
    rt_shard_clear(s, &removed);
    rt_lock_give(&s->lock);
    rt_shard_discard(&removed);
  }
}

void rt_dict_free(rt_shared *shared) {
  rt_dict *d = rt_dict_of(shared);
  rt_dict_clear(d);
  for (uint32_t i = 0; i < d->shard_count; i++) rt_shard_close(&d->shards[i]);
  rt_free(d);
}

/* Eviction chooses within one shard, so a dict that evicts has only so many shards that each has
** enough entries to choose from. */
static uint32_t shards_for(const rt_dict_bounds *b) {
  uint32_t n = SHARDS;
  if (!b->evicts) return n;
  while (n > 1 && (b->entries / n < MIN_SHARD_ENTRIES || b->bytes / n < MIN_SHARD_BYTES)) n /= 2;
  return n;
}

static bool init_shards(rt_dict *d, uint32_t count) {
  for (; d->shard_count < count; d->shard_count++)
    if (rt_shard_init(&d->shards[d->shard_count], &d->quota) != 0) return false;
  return true;
}

rt_dict *rt_dict_new(const rt_shared_kind *kind, const rt_dict_bounds *bounds) {
  uint32_t count = shards_for(bounds);
  rt_dict *d = rt_calloc(sizeof *d + count * sizeof(rt_shard));
  if (d == NULL) return NULL;
  rt_random r = {rt_random_seed()};
  rt_shared_init(&d->shared, kind);
  d->quota.bounds = *bounds;
  d->seed[0] = rt_random_next(&r);
  d->seed[1] = rt_random_next(&r);
  if (!init_shards(d, count)) {
    rt_dict_free(&d->shared);
    return NULL;
  }
  return d;
}

/* --- what it holds (base/cycle.h) ------------------------------------------------------------- */
static bool dict_has_links(rt_shared *shared) {
  return rt_load(&rt_dict_of(shared)->quota.links) > 0;
}

/* A value that another thread has a reference to is not visited, as if that were its message.
** (Acquire: see rt_cycle_visit_message.) */
static bool visit_value(rt_cycle_visitor *v, const rt_value *value) {
  if (value->type != RT_VALUE_BLOCK || rt_load_acquire(&value->block->holders) > 1)
    return rt_cycle_visit_message(v, NULL);
  return rt_cycle_visit_message(v, value->block->message);
}

static void visit_shard(rt_shard *s, rt_cycle_visitor *v) {
  for (size_t i = 0; i < s->size; i++)
    for (const rt_shard_entry *e = s->buckets[i]; e != NULL; e = e->next)
      if (!visit_value(v, &e->value)) return;
}

/* (The version of a shard only grows, so the sum is the same only if each of them is.) */
static uint64_t dict_visit(rt_shared *shared, rt_cycle_visitor *v) {
  rt_dict *d = rt_dict_of(shared);
  uint64_t changes = 0;
  for (uint32_t i = 0; i < d->shard_count; i++) {
    rt_shard *s = &d->shards[i];
    rt_lock_take(&s->lock);
    visit_shard(s, v);
    changes += s->version;
    rt_lock_give(&s->lock);
  }
  return changes;
}

static void dict_empty(rt_shared *shared) { rt_dict_clear(rt_dict_of(shared)); }

const rt_shared_content rt_dict_content = {rt_cycle_drop, dict_has_links, dict_visit, dict_empty};
