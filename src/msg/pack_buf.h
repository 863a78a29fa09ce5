/* msg/pack_buf.h - where a worker packs: the draft of a packet, and what is known about it.
**
** A desk is taken for one packet and given back whatever came of it.  A finalizer that runs
** while a packet is being written may send something itself: it gets another desk.
*/
#ifndef RT_DESK_H
#define RT_DESK_H

#include "base/buf.h"
#include "msg/object_ids.h"
#include "msg/message.h"

typedef struct rt_desk {
  struct rt_desk *next; /* the next free one */
  rt_packet *draft;
  rt_marks marks;
  rt_buf heads;   /* of the objects; see wire.h */
  rt_buf parents; /* uint32_t each: where the object with number n + 1 was met first */
  rt_buf moves;   /* rt_move each */
  rt_buf code;    /* the function that is being dumped */
} rt_desk;

/* An object that is to be left empty when the packet is complete. */
typedef struct rt_move {
  uint32_t object;
  uint32_t thing;
} rt_move;

/* Small packets that came from elsewhere are used again: what one thread allocates and another
** frees makes the two wait for each other in the allocator. */
enum { RT_DESK_SPARES = RT_SIZE(128, 2) };

typedef struct rt_desks {
  rt_desk *free;
  rt_packet *spares[RT_DESK_SPARES];
  int count;
  int taken;    /* desks that are not free: packets that are being written, one within another */
  bool listing; /* the list RT_KEEP_OBJECTS is in use */
} rt_desks;

void rt_desks_close(rt_desks *d);

/* An empty desk with an empty draft; NULL: no memory */
rt_desk *rt_desk_take(rt_desks *d);
void rt_desk_give(rt_desks *d, rt_desk *desk);

/* Drops a packet that has been read; it may be the next draft. */
void rt_desk_drop(rt_desks *d, rt_packet *p);

#endif
