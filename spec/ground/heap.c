/* spec/ground/heap.c - base/heap.c: the heap, checked against a linear search of its nodes. */
#include "base/heap.h"
#include "check.h"

enum { NODES = 100, STEPS = 300000 };

static rt_heap_node nodes[NODES];
static rt_heap heap;

static size_t count(void) {
  size_t n = 0;
  for (int i = 0; i < NODES; i++) n += nodes[i].place > 0;
  return n;
}

/* The first node has the smallest key, and each node has the index that it says. */
static bool is_right(void) {
  const rt_heap_node *first = rt_heap_first(&heap);
  if (heap.count != count() || (first == NULL) != (heap.count == 0)) return false;
  for (int i = 0; i < NODES; i++) {
    if (nodes[i].place == 0) continue;
    if (heap.nodes[nodes[i].place - 1] != &nodes[i] || nodes[i].key < first->key) return false;
  }
  return true;
}

static void step(void) {
  rt_heap_node *n = &nodes[below(NODES)];
  if (n->place > 0 && one_in(2))
    rt_heap_remove(&heap, n);
  else if (n->place > 0 || rt_heap_reserve(&heap))
    rt_heap_put(&heap, n, below(50));
}

static bool comes_out_in_order(void) {
  uint64_t last = 0;
  for (rt_heap_node *n; (n = rt_heap_first(&heap)) != NULL; last = n->key) {
    rt_heap_remove(&heap, n);
    if (n->key < last) return false;
  }
  return count() == 0;
}

int main(void) {
  bool right = true;
  check_begin(120);
  check("an empty heap has no first", rt_heap_first(&heap) == NULL);
  for (int i = 0; i < MANY(STEPS) && right; i++) {
    step();
    right = is_right();
  }
  check("put, moved and removed: the first is the smallest, and each knows its place", right);
  for (int i = 0; i < NODES; i++)
    if (nodes[i].place > 0 || rt_heap_reserve(&heap)) rt_heap_put(&heap, &nodes[i], below(1000));
  check("all come out in order", comes_out_in_order());
  rt_heap_close(&heap);
  return check_end();
}
