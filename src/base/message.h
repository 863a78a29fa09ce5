/* base/message.h - values on their way from one state to another: bytes and shared objects.
**
** One allocation, written once at one end and read at the other, or at several; what is in
** it when its last holder drops it is dropped with it.  What the bytes mean stands in
** pack/wire.h; a reader trusts none of them.
*/
#ifndef RT_BASE_MESSAGE_H
#define RT_BASE_MESSAGE_H

#include "base/shared.h"

enum { RT_MESSAGE_FEW = 4 };
#define RT_MESSAGE_MOST ((size_t)1 << 30) /* bytes */

typedef struct rt_message {
  rt_atomic(int) holders;
  uint32_t count, room; /* shared objects */
  rt_shared **many;     /* where they are when there are more than a few */
  rt_shared *few[RT_MESSAGE_FEW];
  size_t len, cap;
  char bytes[];
} rt_message;

rt_message *rt_message_new(void); /* NULL: no memory */
void rt_message_drop(rt_message *p);
/* The same, but true: nobody else holds it, it is small, and the caller has it as a new one. */
bool rt_message_clear(rt_message *p);

/* One more, of a message that is complete: any number of threads may read it. */
static inline rt_message *rt_message_hold(rt_message *p) {
  rt_add_relaxed(&p->holders, 1);
  return p;
}

/* Makes room for more bytes; may move the message.  0, UV_ENOMEM, or UV_EMSGSIZE: too large */
int rt_message_reserve(rt_message **p, size_t more);

/* Gives back the room that is not used; may move the message. */
void rt_message_trim(rt_message **p);

/* Adds a thing, which is the message's then, as the last one.  0 or UV_ENOMEM */
int rt_message_add(rt_message *p, rt_shared *shared);

static inline rt_shared **rt_message_shared(rt_message *p) { return p->many ? p->many : p->few; }

#endif
