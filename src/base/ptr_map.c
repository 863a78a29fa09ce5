#include "base/ptr_map.h"

enum {
  MIN_SIZE = RT_SIZE(64, 4),
  KEPT_SIZE = RT_SIZE(4096, 8),   /* a map that is larger gives its memory back when cleared */
  LAST_GENERATION = (1 << 24) - 1 /* what an entry can hold */
};

void rt_ptr_map_close(rt_ptr_map *m) {
  rt_free(m->cells);
  *m = (rt_ptr_map){0};
}

void rt_ptr_map_clear(rt_ptr_map *m) {
  if (m->size > KEPT_SIZE || m->generation == LAST_GENERATION) rt_ptr_map_close(m);
  m->generation++;
  m->count = 0;
}

static bool ptr_map_grow(rt_ptr_map *m) {
  rt_ptr_map bigger = {.size = m->size ? m->size * 2 : MIN_SIZE, .generation = m->generation};
  if (bigger.generation == 0) bigger.generation = 1;
  if (m->size > UINT32_MAX / 2) return false;
  bigger.cells = rt_calloc(bigger.size * sizeof *bigger.cells);
  if (bigger.cells == NULL) return false;
  for (uint32_t i = 0; i < m->size; i++)
    if (m->cells[i].generation == m->generation)
      *rt_ptr_map_cell(&bigger, m->cells[i].key) = m->cells[i];
  bigger.count = m->count;
  rt_free(m->cells);
  *m = bigger;
  return true;
}

rt_ptr_map_entry *rt_ptr_map_at(rt_ptr_map *m, const void *key) {
  if (rt_unlikely(m->count * 2 >= m->size) && !ptr_map_grow(m)) return NULL;
  rt_ptr_map_entry *e = rt_ptr_map_cell(m, key);
  if (e->generation != m->generation) {
    *e = (rt_ptr_map_entry){.key = key, .generation = m->generation};
    m->count++;
  }
  return e;
}
