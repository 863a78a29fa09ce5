/* base/message.h - what is sent from one Lua state to another: bytes and shared objects.
**
** A message is one block of memory. One thread writes it, and then one or several threads read it.
** It holds references to its shared objects, which are dropped with it. pack/wire.h describes the
** bytes; a reader does not trust them.
*/
#ifndef RT_BASE_MESSAGE_H
#define RT_BASE_MESSAGE_H

#include "base/shared.h"

enum { RT_MESSAGE_FEW = 4 };
#define RT_MESSAGE_MAX ((size_t)1 << 30) /* bytes */

typedef struct rt_message {
  rt_atomic(int) holders;         /* how many references there are */
  uint32_t count, room;           /* of its shared objects: how many there are; how many fit */
  rt_shared **many;               /* the shared objects if they are more than a few; else NULL */
  rt_shared *few[RT_MESSAGE_FEW]; /* the shared objects if 'many' is NULL */
  size_t len, cap;
  char bytes[];
} rt_message;

/* An empty message to which the caller has the only reference. NULL: no memory. */
rt_message *rt_message_new(void);

/* Any thread: drops a reference. */
void rt_message_drop(rt_message *message);

/* Drops a reference. True: it was the last one and the message is small, so it was not freed but
** emptied: it is the caller's, as if it were new. */
bool rt_message_clear(rt_message *message);

/* Any thread: takes a reference to a complete message, which must not change any more. The caller
** has one already; so the addition need not be ordered with any other access (relaxed). */
static inline rt_message *rt_message_hold(rt_message *message) {
  rt_add_relaxed(&message->holders, 1);
  return message;
}

/* The writer: makes space for 'more' bytes; may move the message. 0, UV_ENOMEM, or UV_EMSGSIZE: it
** would be larger than RT_MESSAGE_MAX. */
int rt_message_reserve(rt_message **p, size_t more);

/* The writer: gives unused memory back; may move the message. */
void rt_message_trim(rt_message **p);

/* The writer: adds a shared object; the message takes the caller's reference. 0 or UV_ENOMEM. */
int rt_message_add(rt_message *message, rt_shared *shared);

static inline rt_shared **rt_message_shared(rt_message *message) {
  return message->many ? message->many : message->few;
}

#endif
