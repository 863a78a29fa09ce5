/* msg/object_ids.h - which of the objects that are being packed have a number already.
**
** A hash table by address, which is emptied in no time: an entry counts only in the round
** in which it was made.
*/
#ifndef RT_MARKS_H
#define RT_MARKS_H

#include "base/base.h"

typedef struct rt_mark {
  const void *object;
  uint32_t number;                /* 0: it is new */
  uint32_t round : 24, index : 8; /* … and 'index' is for whoever sets the number, too */
} rt_mark;

typedef struct rt_marks {
  rt_mark *slots; /* open addressing; NULL until the first */
  uint32_t size, count, round;
} rt_marks;

void rt_marks_close(rt_marks *m);
void rt_marks_clear(rt_marks *m);

/* The mark of this object, until the next call; NULL: no memory. */
rt_mark *rt_marks_at(rt_marks *m, const void *object);

#endif
