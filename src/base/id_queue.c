#include "base/id_queue.h"

enum { SIZE_MIN = 16 };

bool rt_id_queue_reserve(rt_id_queue *q, int count) {
  if (count <= q->size) return true;
  int size = q->size ? q->size : SIZE_MIN;
  while (size < count) size *= 2;
  uint64_t *ids = rt_malloc((size_t)size * sizeof *ids);
  if (ids == NULL) return false;
  for (int i = 0; i < q->count; i++) ids[i] = q->ids[(q->first + i) & (q->size - 1)];
  rt_free(q->ids);
  q->ids = ids;
  q->size = size;
  q->first = 0;
  return true;
}

void rt_id_queue_add(rt_id_queue *q, uint64_t id) {
  rt_assert(q->count < q->size);
  q->ids[(q->first + q->count) & (q->size - 1)] = id;
  q->count++;
}

uint64_t rt_id_queue_take(rt_id_queue *q) {
  rt_assert(q->count > 0);
  uint64_t id = q->ids[q->first];
  q->first = (q->first + 1) & (q->size - 1);
  q->count--;
  return id;
}

void rt_id_queue_close(rt_id_queue *q) {
  rt_free(q->ids);
  *q = (rt_id_queue){0};
}
