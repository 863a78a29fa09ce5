#include "base/heap.h"

enum { SMALLEST = RT_SIZE(8, 1) };

void rt_heap_close(rt_heap *h) {
  rt_free(h->nodes);
  *h = (rt_heap){0};
}

static void set(rt_heap *h, size_t i, rt_heap_node *n) {
  h->nodes[i] = n;
  n->place = i + 1;
}

/* The place i is to be filled with n, or with what has to be there instead. */
static void settle(rt_heap *h, size_t i, rt_heap_node *n) {
  rt_heap_node **at = h->nodes;
  while (i > 0 && at[(i - 1) / 2]->key > n->key) {
    set(h, i, at[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
    if (child + 1 < h->count && at[child + 1]->key < at[child]->key) child++;
    if (at[child]->key >= n->key) break;
    set(h, i, at[child]);
  }
  set(h, i, n);
}

static bool resize(rt_heap *h, size_t room) {
  rt_heap_node **nodes = rt_realloc(h->nodes, room * sizeof(rt_heap_node *));
  if (nodes == NULL) return false;
  h->nodes = nodes;
  h->room = room;
  return true;
}

bool rt_heap_reserve(rt_heap *h) {
  return h->count < h->room || resize(h, h->room ? h->room * 2 : SMALLEST);
}

void rt_heap_put(rt_heap *h, rt_heap_node *n, uint64_t key) {
  if (n->place == 0) n->place = ++h->count;
  n->key = key;
  settle(h, n->place - 1, n);
}

void rt_heap_remove(rt_heap *h, rt_heap_node *n) {
  size_t i = n->place - 1;
  rt_heap_node *last = h->nodes[--h->count];
  n->place = 0;
  if (last != n) settle(h, i, last);
  if (h->room > SMALLEST && h->count < h->room / 8) resize(h, h->room / 2);
}
