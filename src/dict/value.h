/* dict/value.h - a value that is kept where any thread may read it.
**
** Numbers, booleans and short strings are in the record itself. Other values are in a block: the
** bytes of a string, or a message. A block is never changed, and each reader holds a reference.
** (Values that move cannot be kept: RT_PACK_KEPT of pack/pack.h refuses them.)
*/
#ifndef RT_DICT_VALUE_H
#define RT_DICT_VALUE_H

#include "base/message.h"

enum { RT_VALUE_SHORT = 16 }; /* bytes of a short string, at most */

typedef enum rt_value_type {
  RT_VALUE_NONE, /* no value: no entry */
  RT_VALUE_FALSE,
  RT_VALUE_TRUE,
  RT_VALUE_INTEGER,
  RT_VALUE_NUMBER,
  RT_VALUE_STRING, /* short */
  RT_VALUE_BLOCK
} rt_value_type;

typedef struct rt_value_block {
  /* fixed */
  rt_message *message; /* NULL: it is a string */
  size_t len;          /* of the string, or of the bytes of the message */
  /* atomic */
  rt_atomic(int) holders;
  char bytes[];
} rt_value_block;

typedef struct rt_value {
  union {
    int64_t integer;
    double number;
    char text[RT_VALUE_SHORT];
    rt_value_block *block;
  };
  uint8_t type, len; /* rt_value_type; length of 'text' */
} rt_value;

/* Any thread. The new value has one reference. 0 or UV_ENOMEM. from_message takes over the message
** in both cases. */
int rt_value_from_string(rt_value *v, const char *s, size_t len);
int rt_value_from_message(rt_value *v, rt_message *message);

void rt_value_block_drop(rt_value_block *b);

/* Any thread that has a reference. (Relaxed: see rt_shared_hold.) */
static inline void rt_value_hold(const rt_value *v) {
  if (v->type == RT_VALUE_BLOCK) rt_add_relaxed(&v->block->holders, 1);
}

static inline void rt_value_drop(const rt_value *v) {
  if (v->type == RT_VALUE_BLOCK) rt_value_block_drop(v->block);
}

/* Does it hold shared objects? */
static inline bool rt_value_has_links(const rt_value *v) {
  return v->type == RT_VALUE_BLOCK && v->block->message && v->block->message->count > 0;
}

/* The bytes that it needs besides the record. */
size_t rt_value_size(const rt_value *v);

/* As Lua compares them; two messages are equal if their bytes and their shared objects are the
** same. */
bool rt_value_equals(const rt_value *a, const rt_value *b);

#endif
