/* pack/object_ids.h - which of the objects that are being packed have a number already.
**
** A hash table by address, which is emptied in no time: an entry counts only in the round
** in which it was made.
*/
#ifndef RT_PACK_OBJECT_IDS_H
#define RT_PACK_OBJECT_IDS_H

#include "base/base.h"

typedef struct rt_object_id {
  const void *object;
  uint32_t number;                /* 0: it is new */
  uint32_t round : 24, index : 8; /* … and 'index' is for whoever sets the number, too */
} rt_object_id;

typedef struct rt_object_ids {
  rt_object_id *slots; /* open addressing; NULL until the first */
  uint32_t size, count, round;
} rt_object_ids;

void rt_object_ids_close(rt_object_ids *m);
void rt_object_ids_clear(rt_object_ids *m);

/* The mark of this object, until the next call; NULL: no memory. */
rt_object_id *rt_object_ids_at(rt_object_ids *m, const void *object);

#endif
