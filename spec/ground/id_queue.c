/* spec/ground/id_queue.c - base/id_queue.c: ids come out in the order in which they were added. */
#include "base/id_queue.h"
#include "check.h"

static rt_id_queue queue;
static uint64_t added, taken;

static void step(void) {
  if (one_in(2)) {
    int more = (int)below(40);
    if (!rt_id_queue_reserve(&queue, queue.count + more)) return;
    for (int i = 0; i < more; i++) rt_id_queue_add(&queue, ++added);
    return;
  }
  for (int n = (int)below(40); n > 0 && queue.count > 0; n--)
    must("each id is the next one", rt_id_queue_take(&queue) == ++taken);
}

int main(void) {
  check_begin(60);
  for (int i = 0; i < MANY(100000); i++) step();
  check("what was added and not taken is there", added - taken == (uint64_t)queue.count);
  while (queue.count > 0) must("each id is the next one", rt_id_queue_take(&queue) == ++taken);
  check("all ids came out, in order", taken == added);
  int size = queue.size;
  check("room for fewer ids is there already",
        rt_id_queue_reserve(&queue, size) && queue.size == size);
  rt_id_queue_close(&queue);
  check("a closed queue is empty, and can be used again",
        queue.count == 0 && rt_id_queue_reserve(&queue, 1));
  rt_id_queue_close(&queue);
  return check_end();
}
