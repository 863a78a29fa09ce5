#include "dict/shard.h"

#include <uv.h>

enum {
  MIN_BUCKETS = RT_SIZE(8, 1),
  SWEEP_PER_ADD = 4 /* expired entries that an addition removes */
};

static size_t entry_size(uint32_t key_len, const rt_value *v) {
  return sizeof(rt_shard_entry) + 2 * sizeof(void *) + key_len + rt_value_size(v);
}

size_t rt_shard_size(const rt_shard_key *key, const rt_value *v) { return entry_size(key->len, v); }

int rt_shard_init(rt_shard *s, rt_quota *quota) {
  s->quota = quota;
  rt_list_init(&s->lru);
  return rt_lock_init(&s->lock);
}

void rt_shard_close(rt_shard *s) { rt_lock_close(&s->lock); }

/* --- expiry ----------------------------------------------------------------------------------- */
static bool has_expiry(const rt_shard_entry *e) { return e->expires.place > 0; }

static bool has_expired(const rt_shard_entry *e, uint64_t now) {
  return has_expiry(e) && e->expires.key <= now;
}

static void clear_expiry(rt_shard *s, rt_shard_entry *e) {
  if (!has_expiry(e)) return;
  rt_heap_remove(&s->expiry, &e->expires);
  rt_sub(&s->quota->expiring, 1);
}

int rt_shard_expire(rt_shard *s, rt_shard_entry *e, uint64_t expires) {
  if (expires == RT_SHARD_NO_EXPIRY) {
    clear_expiry(s, e);
    e->expires.key = expires;
    return 0;
  }
  if (!has_expiry(e)) {
    if (!rt_heap_reserve(&s->expiry)) return UV_ENOMEM;
    rt_add(&s->quota->expiring, 1);
  }
  rt_heap_put(&s->expiry, &e->expires, expires);
  return 0;
}

/* --- the buckets ------------------------------------------------------------------------------ */
/* The pointer (of a bucket, or of an entry in it) that points to the entry with the key, or to
** NULL. */
static rt_shard_entry **link_to_key(rt_shard *s, const rt_shard_key *key, uint64_t hash) {
  rt_shard_entry **at = &s->buckets[hash & (s->size - 1)];
  for (rt_shard_entry *e; (e = *at) != NULL; at = &e->next)
    if (e->hash == hash && e->type == key->type && e->len == key->len &&
        memcmp(e->key, key->bytes, key->len) == 0)
      break;
  return at;
}

static rt_shard_entry **link_to(rt_shard *s, const rt_shard_entry *e) {
  rt_shard_entry **at = &s->buckets[e->hash & (s->size - 1)];
  while (*at != e) at = &(*at)->next;
  return at;
}

/* If there is no memory for it, the shard keeps its table; the chains only get longer. */
static void resize_buckets(rt_shard *s, size_t size) {
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

static rt_shard_entry *shard_new_entry(rt_shard *s, const rt_shard_key *key, uint64_t hash) {
  if (s->count >= s->size) resize_buckets(s, s->size ? s->size * 2 : MIN_BUCKETS);
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

static void count_links(rt_shard *s, const rt_value *v, int change) {
  if (rt_unlikely(rt_value_has_links(v))) rt_add(&s->quota->links, (size_t)change);
}

/* --- removing --------------------------------------------------------------------------------- */
static void add_removed(rt_shard_removed *removed, rt_shard_entry *e) {
  e->next = removed->first;
  removed->first = e;
}

void rt_shard_discard(rt_shard_removed *removed) {
  for (rt_shard_entry *e = removed->first, *next; e != NULL; e = next) {
    next = e->next;
    rt_value_drop(&e->value);
    rt_free(e);
  }
}

static void remove_at(rt_shard *s, rt_shard_entry **at, rt_shard_removed *removed) {
  rt_shard_entry *e = *at;
  *at = e->next;
  add_removed(removed, e);
  clear_expiry(s, e);
  rt_list_remove(&e->link);
  s->count--;
  s->version++;
  count_links(s, &e->value, -1);
  rt_quota_release(s->quota, 1, entry_size(e->len, &e->value));
  if (s->size > MIN_BUCKETS && s->count < s->size / 8) resize_buckets(s, s->size / 2);
}

void rt_shard_remove(rt_shard *s, rt_shard_entry *e, rt_shard_removed *removed) {
  remove_at(s, link_to(s, e), removed);
}

size_t rt_shard_sweep(rt_shard *s, uint64_t now, size_t max, rt_shard_removed *removed) {
  size_t n = 0;
  rt_heap_node *next;
  while (n < max && (next = rt_heap_first(&s->expiry)) != NULL && next->key <= now) {
    rt_shard_remove(s, rt_containerof(next, rt_shard_entry, expires), removed);
    n++;
  }
  return n;
}

bool rt_shard_evict(rt_shard *s, rt_shard_removed *removed) {
  rt_list *l = rt_list_first(&s->lru);
  if (l == NULL) return false;
  rt_shard_remove(s, rt_containerof(l, rt_shard_entry, link), removed);
  return true;
}

void rt_shard_clear(rt_shard *s, rt_shard_removed *removed) {
  size_t bytes = 0;
  for (size_t i = 0; i < s->size; i++) {
    for (rt_shard_entry *e = s->buckets[i], *next; e != NULL; e = next) {
      next = e->next;
      bytes += entry_size(e->len, &e->value);
      count_links(s, &e->value, -1);
      add_removed(removed, e);
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
                              rt_shard_removed *removed) {
  if (s->size == 0) return NULL;
  rt_shard_entry **at = link_to_key(s, key, hash);
  rt_shard_entry *e = *at;
  if (e && has_expiry(e) && has_expired(e, rt_clock())) {
    remove_at(s, at, removed);
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
  count_links(s, v, 1);
}

int rt_shard_add(rt_shard *s, const rt_shard_key *key, uint64_t hash, const rt_value *v,
                 uint64_t expires, rt_shard_removed *removed) {
  size_t size = entry_size(key->len, v);
  if (rt_heap_first(&s->expiry)) rt_shard_sweep(s, rt_clock_coarse(), SWEEP_PER_ADD, removed);
  if (!rt_quota_take(s->quota, 1, size, 0)) return UV_ENOSPC;
  rt_shard_entry *e = shard_new_entry(s, key, hash);
  if (e == NULL) {
    rt_quota_release(s->quota, 1, size);
    return UV_ENOMEM;
  }
  set_value(s, e, v);
  rt_shard_use(s, e);
  if (expires == RT_SHARD_KEEP_EXPIRY || rt_shard_expire(s, e, expires) == 0) return 0;
  rt_shard_remove(s, e, removed);
  return UV_ENOMEM;
}

int rt_shard_replace(rt_shard *s, rt_shard_entry *e, const rt_value *v, uint64_t expires,
                     rt_value *old) {
  size_t before = rt_value_size(&e->value), after = rt_value_size(v);
  bool gets_expiry =
      !has_expiry(e) && expires != RT_SHARD_KEEP_EXPIRY && expires != RT_SHARD_NO_EXPIRY;
  if (gets_expiry && !rt_heap_reserve(&s->expiry)) return UV_ENOMEM;
  rt_shard_use(s, e);
  if (!rt_quota_take(s->quota, 0, after, before)) return UV_ENOSPC;
  if (expires != RT_SHARD_KEEP_EXPIRY) rt_shard_expire(s, e, expires);
  *old = e->value;
  count_links(s, old, -1);
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
