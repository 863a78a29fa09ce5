/* dict/value.h - a value that stays where any thread may read it.
**
** Numbers, booleans and short strings are in the record itself.  All else is in a value block:
** the bytes of a string, or a message, which nobody changes any more and which everybody who
** reads it holds.  What moves cannot be kept (RT_PACK_KEPT of pack/pack.h sees to that).
*/
#ifndef RT_DICT_VALUE_H
#define RT_DICT_VALUE_H

#include "base/message.h"

enum { RT_VALUE_SHORT = 16 };

typedef enum rt_value_type {
  RT_VALUE_NONE, /* there is no value */
  RT_VALUE_FALSE,
  RT_VALUE_TRUE,
  RT_VALUE_INTEGER,
  RT_VALUE_NUMBER,
  RT_VALUE_STRING, /* a short one */
  RT_VALUE_BLOCK
} rt_value_type;

typedef struct rt_value_block {
  /* fixed */
  rt_message *message; /* NULL: it is a string */
  size_t len;
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
  uint8_t type, len; /* of the text */
} rt_value;

/* 0 or UV_ENOMEM; a message is the value's then. */
int rt_value_from_string(rt_value *v, const char *s, size_t len);
int rt_value_from_message(rt_value *v, rt_message *p);

void rt_value_block_drop(rt_value_block *p);

static inline void rt_value_hold(const rt_value *v) {
  if (v->type == RT_VALUE_BLOCK) rt_add_relaxed(&v->block->holders, 1);
}

static inline void rt_value_drop(const rt_value *v) {
  if (v->type == RT_VALUE_BLOCK) rt_value_block_drop(v->block);
}

/* How many bytes it needs besides the record. */
size_t rt_value_size(const rt_value *v);

/* As Lua compares them; what was packed is equal if its bytes are, and its shared objects the same. */
bool rt_value_equal(const rt_value *a, const rt_value *b);

#endif
