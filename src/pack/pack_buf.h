/* pack/pack_buf.h - the buffers of the packer: the draft of a message, and tables for its objects.
**
** A pack buffer is taken for one message, and given back whether packing succeeds or not. A
** finalizer that runs while a message is being packed may send something itself: it gets another
** pack buffer. Worker's thread.
*/
#ifndef RT_PACK_PACK_BUF_H
#define RT_PACK_PACK_BUF_H

#include "base/buf.h"
#include "base/message.h"
#include "base/ptr_map.h"

typedef struct rt_pack_buf {
  struct rt_pack_buf *next; /* the next free one */
  rt_message *draft;
  rt_ptr_map object_ids; /* object -> its number in the message */
  rt_buf heads;          /* the heads of the objects; see pack/wire.h */
  rt_buf parents;        /* uint32_t for each object: what holds it; see pack/value_path.h */
  rt_buf moves;          /* rt_move for each object that moves */
  rt_buf code;           /* the bytecode of the function that is being dumped */
} rt_pack_buf;

/* An object that moves (a stream): when the message is complete, its socket leaves the object. */
typedef struct rt_move {
  uint32_t object; /* its number */
  uint32_t shared; /* the index of the shared object in the message */
} rt_move;

/* Small messages from other threads are kept as drafts. If they were freed, two threads would often
** wait for each other in the allocator, since one allocates what the other frees. */
enum { RT_PACK_BUF_SPARES = RT_SIZE(128, 2) };

typedef struct rt_pack_bufs {
  rt_pack_buf *free;
  rt_message *spares[RT_PACK_BUF_SPARES];
  int count;    /* of 'spares' */
  int taken;    /* pack buffers in use: one for each message that is being packed, nested */
  bool listing; /* RT_ANCHOR_OBJECTS is in use by a message that is being packed */
} rt_pack_bufs;

void rt_pack_bufs_close(rt_pack_bufs *b);

/* An empty pack buffer with an empty draft; NULL: no memory. */
rt_pack_buf *rt_pack_buf_take(rt_pack_bufs *b);
void rt_pack_buf_give(rt_pack_bufs *b, rt_pack_buf *pack_buf);

/* Drops a message that has been unpacked, or keeps it as a draft. */
void rt_pack_buf_drop(rt_pack_bufs *b, rt_message *message);

#endif
