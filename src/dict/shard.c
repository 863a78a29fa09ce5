#include "dict/shard.h"

#include <uv.h>

enum {
  SMALLEST = RT_SIZE(8, 1),
  EXPIRED_AT_ONCE = 4 /* entries that an addition removes */
};

static size_t size_of(uint32_t key_len, const rt_value *v) {
  return sizeof(rt_shard_entry) + 2 * sizeof(void *) + key_len + rt_value_size(v);
}

size_t rt_shard_size(const rt_shard_key *key, const rt_value *v) { return size_of(key->len, v); }

int rt_shard_init(rt_shard *s, rt_quota *quota) {
  s->quota = quota;
  rt_list_init(&s->lru);
  return rt_lock_init(&s->lock);
}

void rt_shard_close(rt_shard *s) { rt_lock_close(&s->lock); }

/* --- what expires ----------------------------------------------------------------------------- */
static bool is_mortal(const rt_shard_entry *e) { return e->expires.place > 0; }

static bool has_expired(const rt_shard_entry *e, uint64_t now) {
  return is_mortal(e) && e->expires.key <= now;
}

static void make_immortal(rt_shard *s, rt_shard_entry *e) {
  if (!is_mortal(e)) return;
  rt_heap_remove(&s->expiry, &e->expires);
  rt_sub(&s->quota->expiring, 1);
}

int rt_shard_expire(rt_shard *s, rt_shard_entry *e, uint64_t expires) {
  if (expires == RT_SHARD_NO_EXPIRY) {
    make_immortal(s, e);
    e->expires.key = expires;
    return 0;
  }
  if (!is_mortal(e)) {
    if (!rt_heap_reserve(&s->expiry)) return UV_ENOMEM;
    rt_add(&s->quota->expiring, 1);
  }
  rt_heap_put(&s->expiry, &e->expires, expires);
  return 0;
}

/* --- the buckets ------------------------------------------------------------------------------ */
/* Where the bucket, or an entry of it, points at the one with the key; or at the end. */
static rt_shard_entry **place_of_key(rt_shard *s, const rt_shard_key *key, uint64_t hash) {
  rt_shard_entry **at = &s->buckets[hash & (s->size - 1)];
  for (rt_shard_entry *e; (e = *at) != NULL; at = &e->next)
    if (e->hash == hash && e->type == key->type && e->len == key->len &&
        memcmp(e->key, key->bytes, key->len) == 0)
      break;
  return at;
}

static rt_shard_entry **place_of(rt_shard *s, const rt_shard_entry *e) {
  rt_shard_entry **at = &s->buckets[e->hash & (s->size - 1)];
  while (*at != e) at = &(*at)->next;
  return at;
}

/* Without memory the chains become longer, or stay short: it is of no consequence. */
static void resize(rt_shard *s, size_t size) {
  rt_shard_entry **buckets = rt_calloc(size * sizeof(rt_shard_entry *));
  if (buckets == NULL) return;
  for (size_t i = 0; i < s->size; i++) {
    for (rt_shard_entry *e = s->buckets[i], *next; e != NULL; e = next) {
      next = e->next;
      e->next = buckets[e->hash & (size - 1)];
      buckets[e->hash & (size - 1)] = e;
    }
  }
  rt_free(s->buckets);
  s->buckets = buckets;
  s->size = size;
}

static rt_shard_entry *new_entry(rt_shard *s, const rt_shard_key *key, uint64_t hash) {
  if (s->count >= s->size) resize(s, s->size ? s->size * 2 : SMALLEST);
  if (s->size == 0) return NULL;
  rt_shard_entry *e = rt_malloc(sizeof *e + key->len);
  if (e == NULL) return NULL;
  rt_shard_entry **bucket = &s->buckets[hash & (s->size - 1)];
  *e = (rt_shard_entry){.next = *bucket, .hash = hash, .expires = {.key = RT_SHARD_NO_EXPIRY}};
  e->len = key->len;
  e->type = key->type;
  memcpy(e->key, key->bytes, key->len);
  rt_list_init(&e->link);
  *bucket = e;
  s->count++;
  return e;
}

/* --- leaving ---------------------------------------------------------------------------------- */
static void add_removed(rt_shard_removed *g, rt_shard_entry *e) {
  e->next = g->first;
  g->first = e;
}

void rt_shard_discard(rt_shard_removed *g) {
  for (rt_shard_entry *e = g->first, *next; e != NULL; e = next) {
    next = e->next;
    rt_value_drop(&e->value);
    rt_free(e);
  }
}

static void remove_at(rt_shard *s, rt_shard_entry **at, rt_shard_removed *g) {
  rt_shard_entry *e = *at;
  *at = e->next;
  add_removed(g, e);
  make_immortal(s, e);
  rt_list_remove(&e->link);
  s->count--;
  s->version++;
  rt_quota_release(s->quota, 1, size_of(e->len, &e->value));
  if (s->size > SMALLEST && s->count < s->size / 8) resize(s, s->size / 2);
}

void rt_shard_remove(rt_shard *s, rt_shard_entry *e, rt_shard_removed *g) {
  remove_at(s, place_of(s, e), g);
}

size_t rt_shard_sweep(rt_shard *s, uint64_t now, size_t most, rt_shard_removed *g) {
  size_t n = 0;
  rt_heap_node *next;
  while (n < most && (next = rt_heap_first(&s->expiry)) != NULL && next->key <= now) {
    rt_shard_remove(s, rt_containerof(next, rt_shard_entry, expires), g);
    n++;
  }
  return n;
}

bool rt_shard_evict(rt_shard *s, rt_shard_removed *g) {
  rt_list *l = rt_list_first(&s->lru);
  if (l == NULL) return false;
  rt_shard_remove(s, rt_containerof(l, rt_shard_entry, link), g);
  return true;
}

void rt_shard_clear(rt_shard *s, rt_shard_removed *g) {
  size_t bytes = 0;
  for (size_t i = 0; i < s->size; i++) {
    for (rt_shard_entry *e = s->buckets[i], *next; e != NULL; e = next) {
      next = e->next;
      bytes += size_of(e->len, &e->value);
      add_removed(g, e);
    }
  }
  rt_quota_release(s->quota, s->count, bytes);
  rt_sub(&s->quota->expiring, s->expiry.count);
  rt_free(s->buckets);
  rt_heap_close(&s->expiry);
  s->buckets = NULL;
  s->size = s->count = 0;
  s->version++;
  rt_list_init(&s->lru);
}

/* --- finding and changing --------------------------------------------------------------------- */
rt_shard_entry *rt_shard_find(rt_shard *s, const rt_shard_key *key, uint64_t hash,
                              rt_shard_removed *g) {
  if (s->size == 0) return NULL;
  rt_shard_entry **at = place_of_key(s, key, hash);
  rt_shard_entry *e = *at;
  if (e && is_mortal(e) && has_expired(e, rt_clock())) {
    remove_at(s, at, g);
    return NULL;
  }
  return e;
}

void rt_shard_use(rt_shard *s, rt_shard_entry *e) {
  if (!s->quota->bounds.evicts || s->lru.prev == &e->link) return;
  rt_list_remove(&e->link);
  rt_list_append(&s->lru, &e->link);
}

static void set_value(rt_shard *s, rt_shard_entry *e, const rt_value *v) {
  rt_value_hold(v);
  e->value = *v;
  e->version = ++s->version;
}

int rt_shard_add(rt_shard *s, const rt_shard_key *key, uint64_t hash, const rt_value *v,
                 uint64_t expires, rt_shard_removed *g) {
  size_t size = size_of(key->len, v);
  if (rt_heap_first(&s->expiry)) rt_shard_sweep(s, rt_clock_coarse(), EXPIRED_AT_ONCE, g);
  if (!rt_quota_take(s->quota, 1, size, 0)) return UV_ENOSPC;
  rt_shard_entry *e = new_entry(s, key, hash);
  if (e == NULL) {
    rt_quota_release(s->quota, 1, size);
    return UV_ENOMEM;
  }
  set_value(s, e, v);
  rt_shard_use(s, e);
  if (expires == RT_SHARD_KEEP_EXPIRY || rt_shard_expire(s, e, expires) == 0) return 0;
  rt_shard_remove(s, e, g);
  return UV_ENOMEM;
}

int rt_shard_replace(rt_shard *s, rt_shard_entry *e, const rt_value *v, uint64_t expires,
                     rt_value *old) {
  size_t before = rt_value_size(&e->value), after = rt_value_size(v);
  bool becomes_mortal =
      !is_mortal(e) && expires != RT_SHARD_KEEP_EXPIRY && expires != RT_SHARD_NO_EXPIRY;
  if (becomes_mortal && !rt_heap_reserve(&s->expiry)) return UV_ENOMEM;
  rt_shard_use(s, e);
  if (!rt_quota_take(s->quota, 0, after, before)) return UV_ENOSPC;
  if (expires != RT_SHARD_KEEP_EXPIRY) rt_shard_expire(s, e, expires);
  *old = e->value;
  set_value(s, e, v);
  return 0;
}

/* --- the keys --------------------------------------------------------------------------------- */
typedef struct key_head {
  uint32_t len;
  uint8_t type;
} key_head;

size_t rt_shard_keys(rt_shard *s, uint64_t now, char *at) {
  size_t size = 0;
  for (size_t i = 0; i < s->size; i++) {
    for (rt_shard_entry *e = s->buckets[i]; e != NULL; e = e->next) {
      if (has_expired(e, now)) continue;
      key_head head = {e->len, e->type};
      if (at) memcpy(at + size, &head, sizeof head);
      if (at) memcpy(at + size + sizeof head, e->key, e->len);
      size += sizeof head + e->len;
    }
  }
  return size;
}

const char *rt_shard_key_at(const char *at, rt_shard_key *key) {
  key_head head;
  memcpy(&head, at, sizeof head);
  key->bytes = at + sizeof head;
  key->len = head.len;
  key->type = head.type;
  return key->bytes + key->len;
}
