#include "pack/object_ids.h"

enum { SMALLEST = RT_SIZE(64, 4), KEPT = RT_SIZE(4096, 8), ROUNDS = (1 << 24) - 1 };

void rt_object_ids_close(rt_object_ids *m) {
  rt_free(m->slots);
  *m = (rt_object_ids){0};
}

void rt_object_ids_clear(rt_object_ids *m) {
  if (m->size > KEPT || m->round == ROUNDS) rt_object_ids_close(m);
  m->round++;
  m->count = 0;
}

/* The entry of this object, or the free one where it belongs. */
static rt_object_id *find(const rt_object_ids *m, const void *object) {
  uint64_t h = (uint64_t)((uintptr_t)object >> 3) * 0x9e3779b97f4a7c15ull;
  for (uint32_t i = (uint32_t)(h >> 32);; i++) {
    rt_object_id *e = &m->slots[i & (m->size - 1)];
    if (e->round != m->round || e->object == object) return e;
  }
}

static bool grow(rt_object_ids *m) {
  rt_object_ids bigger = {.size = m->size ? m->size * 2 : SMALLEST, .round = m->round};
  if (bigger.round == 0) bigger.round = 1; /* zeros are free slots */
  if (m->size > UINT32_MAX / 2) return false;
  bigger.slots = rt_calloc(bigger.size * sizeof *bigger.slots);
  if (bigger.slots == NULL) return false;
  for (uint32_t i = 0; i < m->size; i++)
    if (m->slots[i].round == m->round) *find(&bigger, m->slots[i].object) = m->slots[i];
  bigger.count = m->count;
  rt_free(m->slots);
  *m = bigger;
  return true;
}

rt_object_id *rt_object_ids_at(rt_object_ids *m, const void *object) {
  if (rt_unlikely(m->count * 2 >= m->size) && !grow(m)) return NULL;
  rt_object_id *e = find(m, object);
  if (e->round != m->round) {
    *e = (rt_object_id){.object = object, .round = m->round};
    m->count++;
  }
  return e;
}
