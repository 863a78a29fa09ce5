/* base/heap.h - what comes next: nodes by their keys, the smallest first.
**
** A node stands in what it is for, and knows its place, so it can leave from anywhere.
*/
#ifndef RT_BASE_HEAP_H
#define RT_BASE_HEAP_H

#include "base/base.h"

typedef struct rt_heap_node {
  uint64_t key;
  size_t place; /* from 1; 0: in no heap */
} rt_heap_node;

typedef struct rt_heap {
  rt_heap_node **nodes;
  size_t count, room;
} rt_heap;

void rt_heap_close(rt_heap *h);

static inline rt_heap_node *rt_heap_first(const rt_heap *h) {
  return h->count > 0 ? h->nodes[0] : NULL;
}

/* Room for one more; false: no memory. */
bool rt_heap_reserve(rt_heap *h);
/* Puts the node there, or moves it; if it is not in there yet, there must be room. */
void rt_heap_put(rt_heap *h, rt_heap_node *n, uint64_t key);
void rt_heap_remove(rt_heap *h, rt_heap_node *n);

#endif
