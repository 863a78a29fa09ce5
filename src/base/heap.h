/* base/heap.h - an intrusive binary heap: the node with the smallest key is the first.
**
** The user embeds the node in its own struct. A node knows its position, so any node can be removed
** or moved in O(log n).
*/
#ifndef RT_BASE_HEAP_H
#define RT_BASE_HEAP_H

#include "base/base.h"

typedef struct rt_heap_node {
  uint64_t key;
  size_t place; /* 1 + its index in 'nodes'; 0: the node is in no heap */
} rt_heap_node;

typedef struct rt_heap {
  rt_heap_node **nodes;
  size_t count, capacity;
} rt_heap;

void rt_heap_close(rt_heap *h);

static inline rt_heap_node *rt_heap_first(const rt_heap *h) {
  return h->count > 0 ? h->nodes[0] : NULL;
}

/* Makes sure that one more node can be added. False: no memory. */
bool rt_heap_reserve(rt_heap *h);
/* Adds the node with this key, or gives it another key if it is in the heap already. Before a node
** is added, rt_heap_reserve must have succeeded. */
void rt_heap_put(rt_heap *h, rt_heap_node *n, uint64_t key);
/* The node must be in the heap. */
void rt_heap_remove(rt_heap *h, rt_heap_node *n);

#endif
