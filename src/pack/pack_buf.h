/* pack/pack_buf.h - where a worker packs: the draft of a message, and what is known about it.
**
** A pack buffer is taken for one message and given back whatever came of it.  A finalizer that runs
** while a message is being written may send something itself: it gets another pack buffer.
*/
#ifndef RT_PACK_PACK_BUF_H
#define RT_PACK_PACK_BUF_H

#include "base/buf.h"
#include "base/ptr_map.h"
#include "base/message.h"

typedef struct rt_pack_buf {
  struct rt_pack_buf *next; /* the next free one */
  rt_message *draft;
  rt_ptr_map object_ids; /* object -> its number in the message */
  rt_buf heads;          /* of the objects; see pack/wire.h */
  rt_buf parents;        /* uint32_t each: where the object with number n + 1 was met first */
  rt_buf moves;          /* rt_move each */
  rt_buf code;           /* the function that is being dumped */
} rt_pack_buf;

/* An object that is to be left empty when the message is complete. */
typedef struct rt_move {
  uint32_t object;
  uint32_t shared;
} rt_move;

/* Small messages that came from elsewhere are used again: what one thread allocates and another
** frees makes the two wait for each other in the allocator. */
enum { RT_PACK_BUF_SPARES = RT_SIZE(128, 2) };

typedef struct rt_pack_bufs {
  rt_pack_buf *free;
  rt_message *spares[RT_PACK_BUF_SPARES];
  int count;
  int taken; /* pack buffers that are not free: messages that are being written, one within another */
  bool listing; /* the list RT_ANCHOR_OBJECTS is in use */
} rt_pack_bufs;

void rt_pack_bufs_close(rt_pack_bufs *d);

/* An empty pack buffer with an empty draft; NULL: no memory */
rt_pack_buf *rt_pack_buf_take(rt_pack_bufs *d);
void rt_pack_buf_give(rt_pack_bufs *d, rt_pack_buf *pack_buf);

/* Drops a message that has been read; it may be the next draft. */
void rt_pack_buf_drop(rt_pack_bufs *d, rt_message *p);

#endif
