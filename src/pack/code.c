#include "pack/code.h"

#include "worker/bytecode.h"

enum { CELLS = RT_SIZE(1024, 8), MOST_BYTES = RT_SIZE(8 << 20, 4096) };

static void free_code(rt_shared *shared) { rt_free(rt_containerof(shared, rt_code, shared)); }

const rt_shared_kind rt_code_kind = {"function", free_code, -1, NULL};

/* (Bytes that are not understood count as if they assign: nothing is lost but time.) */
static bool assigns_first(const char *bytes, size_t len) {
  rt_bytecode b;
  return !rt_bytecode_open(&b, bytes, len) || b.assigns;
}

static rt_code *new_code(const char *bytes, size_t len, int upvalues, uint64_t hash) {
  static rt_atomic(uint64_t) last_id; /* (relaxed: an id has to be unique, not in order) */
  rt_code *c = rt_malloc(sizeof *c + len);
  if (c == NULL) return NULL;
  rt_shared_init(&c->shared, &rt_code_kind);
  c->id = rt_add_relaxed(&last_id, 1) + 1;
  c->hash = hash;
  c->upvalues = upvalues;
  c->assigns = upvalues == 1 && assigns_first(bytes, len);
  c->len = len;
  memcpy(c->bytes, bytes, len);
  return c;
}

void rt_codes_close(rt_codes *c) {
  for (uint32_t i = 0; c->cells && i < CELLS; i++)
    if (c->cells[i]) rt_shared_drop(&c->cells[i]->shared);
  rt_free(c->cells);
  *c = (rt_codes){0};
}

static uint64_t hash_of(const char *bytes, size_t len) {
  uint64_t h = len, word;
  for (; len >= sizeof word; bytes += sizeof word, len -= sizeof word) {
    memcpy(&word, bytes, sizeof word);
    h = (h ^ word) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 32;
  }
  while (len-- > 0) h = (h ^ (unsigned char)*bytes++) * 0x100000001b3ull;
  return h ^ h >> 29;
}

static bool is_of(const rt_code *c, const char *bytes, size_t len, uint64_t hash) {
  return c->hash == hash && c->len == len && memcmp(c->bytes, bytes, len) == 0;
}

rt_code *rt_codes_put(rt_codes *c, const char *bytes, size_t len, int upvalues, uint64_t *key,
                      bool *is_new) {
  if (c->count >= CELLS - CELLS / 4 || c->bytes > MOST_BYTES) rt_codes_close(c);
  if (c->cells == NULL && (c->cells = rt_calloc(CELLS * sizeof *c->cells)) == NULL) return NULL;
  uint64_t hash = hash_of(bytes, len);
  uint32_t i = (uint32_t)hash % CELLS;
  while (c->cells[i] && !is_of(c->cells[i], bytes, len, hash)) i = (i + 1) % CELLS;
  rt_code *code = c->cells[i];
  *is_new = code == NULL;
  if (*is_new) {
    if ((code = new_code(bytes, len, upvalues, hash)) == NULL) return NULL;
    c->cells[i] = code;
    c->count++;
    c->bytes += len;
  }
  *key = code->id * CELLS + i;
  return code;
}

rt_code *rt_codes_at(const rt_codes *c, uint64_t key) {
  rt_code *code = c->cells ? c->cells[key % CELLS] : NULL;
  return code && code->id == key / CELLS ? code : NULL;
}
