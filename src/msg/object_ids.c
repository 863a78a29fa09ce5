#include "msg/object_ids.h"

enum { SMALLEST = RT_SIZE(64, 4), KEPT = RT_SIZE(4096, 8), ROUNDS = (1 << 24) - 1 };

void rt_marks_close(rt_marks *m) {
  rt_free(m->slots);
  *m = (rt_marks){0};
}

void rt_marks_clear(rt_marks *m) {
  if (m->size > KEPT || m->round == ROUNDS) rt_marks_close(m);
  m->round++;
  m->count = 0;
}

/* The entry of this object, or the free one where it belongs. */
static rt_mark *find(const rt_marks *m, const void *object) {
  uint64_t h = (uint64_t)((uintptr_t)object >> 3) * 0x9e3779b97f4a7c15ull;
  for (uint32_t i = (uint32_t)(h >> 32);; i++) {
    rt_mark *e = &m->slots[i & (m->size - 1)];
    if (e->round != m->round || e->object == object) return e;
  }
}

static bool grow(rt_marks *m) {
  rt_marks bigger = {.size = m->size ? m->size * 2 : SMALLEST, .round = m->round};
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

rt_mark *rt_marks_at(rt_marks *m, const void *object) {
  if (rt_unlikely(m->count * 2 >= m->size) && !grow(m)) return NULL;
  rt_mark *e = find(m, object);
  if (e->round != m->round) {
    *e = (rt_mark){.object = object, .round = m->round};
    m->count++;
  }
  return e;
}
