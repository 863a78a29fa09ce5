--- Mutants of src/base; spec/README.md explains an entry.
return {
  {
    file = "src/base/buf.c",
    from = "return len <= b->head && b->cap - len >= n;",
    to = "return b->cap - len >= n;",
    wrong = "a large content is moved for a little space: bytes are moved again and again",
    ground = "buf",
  },
  {
    file = "src/base/buf.c",
    from = "memcpy(bigger, b->base + b->head, len);",
    to = "memcpy(bigger, b->base, len);",
    wrong = "a buffer that grows takes bytes that were dropped",
    ground = "buf",
  },
  {
    file = "src/base/buf.c",
    from = "if (b->head == b->tail) rt_buf_close(b);",
    to = "",
    wrong = "an empty buffer keeps its memory",
    ground = "buf",
  },
  {
    file = "src/base/heap.c",
    from = "if (child + 1 < h->count && at[child + 1]->key < at[child]->key) child++;",
    to = "if (child + 1 < h->count && at[child + 1]->key > at[child]->key) child++;",
    wrong = "the larger of two children moves up",
    ground = "heap",
  },
  {
    file = "src/base/heap.c",
    from = "if (n->place == 0) n->place = ++h->count;",
    to = "n->place = ++h->count;",
    wrong = "a node whose key changes is in the heap twice",
    ground = "heap",
  },
  {
    file = "src/base/list.h",
    from = "  from->prev->next = l;\n",
    to = "  from->prev->next = from->next;\n",
    wrong = "the end of a list that is spliced leads nowhere",
    ground = "list",
  },
  {
    file = "src/base/ptr_map.c",
    from = "if (m->cells[i].generation == m->generation)",
    to = "if (m->cells[i].generation != 0)",
    wrong = "a map that grows brings back what was there before it was cleared",
    ground = "ptr_map",
  },
  {
    file = "src/base/ptr_map.c",
    from = "if (m->size > KEPT_SIZE || m->generation == LAST_GENERATION) rt_ptr_map_close(m);",
    to = "if (m->generation == LAST_GENERATION) rt_ptr_map_close(m);",
    wrong = "a map that was large once keeps its memory",
    ground = "ptr_map",
  },
}
