#include "base/heap.h"

enum { MIN_CAPACITY = RT_SIZE(8, 1) };

void rt_heap_close(rt_heap *h) {
  rt_free(h->nodes);
  *h = (rt_heap){0};
}

static void heap_set(rt_heap *h, size_t i, rt_heap_node *n) {
  h->nodes[i] = n;
  n->place = i + 1;
}

/* Index i is free and must get n, or the node that belongs there instead if n moves up or down. */
static void sift(rt_heap *h, size_t i, rt_heap_node *n) {
  rt_heap_node **at = h->nodes;
  while (i > 0 && at[(i - 1) / 2]->key > n->key) {
    heap_set(h, i, at[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
    if (child + 1 < h->count && at[child + 1]->key < at[child]->key) child++;
    if (at[child]->key >= n->key) break;
    heap_set(h, i, at[child]);
  }
  heap_set(h, i, n);
}

static bool heap_resize(rt_heap *h, size_t capacity) {
  rt_heap_node **nodes = rt_realloc(h->nodes, capacity * sizeof(rt_heap_node *));
  if (nodes == NULL) return false;
  h->nodes = nodes;
  h->capacity = capacity;
  return true;
}

bool rt_heap_reserve(rt_heap *h) {
  return h->count < h->capacity || heap_resize(h, h->capacity ? h->capacity * 2 : MIN_CAPACITY);
}

void rt_heap_put(rt_heap *h, rt_heap_node *n, uint64_t key) {
  if (n->place == 0) n->place = ++h->count;
  n->key = key;
  sift(h, n->place - 1, n);
}

void rt_heap_remove(rt_heap *h, rt_heap_node *n) {
  size_t i = n->place - 1;
  rt_heap_node *last = h->nodes[--h->count];
  n->place = 0;
  if (last != n) sift(h, i, last);
  if (h->capacity > MIN_CAPACITY && h->count < h->capacity / 8) heap_resize(h, h->capacity / 2);
}
