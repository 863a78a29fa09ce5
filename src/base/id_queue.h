/* base/id_queue.h - a queue of ids, in which there is room before an id is added.
**
** The caller locks. All functions: any thread.
*/
#ifndef RT_BASE_ID_QUEUE_H
#define RT_BASE_ID_QUEUE_H

#include "base/base.h"

typedef struct rt_id_queue {
  uint64_t *ids; /* a ring; NULL: size is 0 */
  int size;      /* 0, or a power of 2 */
  int first, count;
} rt_id_queue;

/* Makes room for 'count' ids in all. False: no memory, and the queue is as before. */
bool rt_id_queue_reserve(rt_id_queue *q, int count);

/* There must be room. */
void rt_id_queue_add(rt_id_queue *q, uint64_t id);

/* Removes and returns the oldest id; there must be one. */
uint64_t rt_id_queue_take(rt_id_queue *q);

/* Frees the memory. The queue is empty, and may be used again. */
void rt_id_queue_close(rt_id_queue *q);

#endif
