#include "dict/value.h"

#include <uv.h>

static rt_value_block *new_block(rt_message *message, size_t len) {
  rt_value_block *b = rt_malloc(sizeof *b + (message ? 0 : len));
  if (b == NULL) return NULL;
  b->message = message;
  b->len = len;
  rt_atomic_init(&b->holders, 1);
  return b;
}

int rt_value_from_string(rt_value *v, const char *s, size_t len) {
  if (len <= RT_VALUE_SHORT) {
    v->type = RT_VALUE_STRING;
    v->len = (uint8_t)len;
    memcpy(v->text, s, len);
    return 0;
  }
  rt_value_block *b = new_block(NULL, len);
  if (b == NULL) return UV_ENOMEM;
  memcpy(b->bytes, s, len);
  v->type = RT_VALUE_BLOCK;
  v->block = b;
  return 0;
}

int rt_value_from_message(rt_value *v, rt_message *message) {
  rt_message_trim(&message);
  rt_value_block *b = new_block(message, message->len);
  if (b == NULL) {
    rt_message_drop(message);
    return UV_ENOMEM;
  }
  v->type = RT_VALUE_BLOCK;
  v->block = b;
  return 0;
}

void rt_value_block_drop(rt_value_block *b) {
  if (rt_sub(&b->holders, 1) != 1) return;
  if (b->message) rt_message_drop(b->message);
  rt_free(b);
}

size_t rt_value_size(const rt_value *v) {
  if (v->type != RT_VALUE_BLOCK) return 0;
  const rt_message *message = v->block->message;
  size_t size = sizeof *v->block;
  if (message == NULL) return size + v->block->len;
  return size + sizeof *message + message->cap +
         (message->many ? message->room * sizeof(void *) : 0);
}

static bool have_same_objects(rt_message *a, rt_message *b) {
  return a->count == b->count &&
         memcmp(rt_message_shared(a), rt_message_shared(b), a->count * sizeof(rt_shared *)) == 0;
}

static bool are_equal_blocks(const rt_value_block *a, const rt_value_block *b) {
  if (a->len != b->len || (a->message == NULL) != (b->message == NULL)) return false;
  if (a->message == NULL) return memcmp(a->bytes, b->bytes, a->len) == 0;
  return memcmp(a->message->bytes, b->message->bytes, a->len) == 0 &&
         have_same_objects(a->message, b->message);
}

/* 2^53 + 1 is no float: both conversions must give the other number. */
static bool equals_integer(double number, int64_t integer) {
  return number >= -0x1p63 && number < 0x1p63 && (int64_t)number == integer &&
         (double)integer == number;
}

bool rt_value_equals(const rt_value *a, const rt_value *b) {
  if (a->type == RT_VALUE_INTEGER && b->type == RT_VALUE_NUMBER)
    return equals_integer(b->number, a->integer);
  if (a->type == RT_VALUE_NUMBER && b->type == RT_VALUE_INTEGER)
    return equals_integer(a->number, b->integer);
  if (a->type != b->type) return false;
  switch (a->type) {
    case RT_VALUE_INTEGER: return a->integer == b->integer;
    case RT_VALUE_NUMBER: return a->number == b->number;
    case RT_VALUE_STRING: return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    case RT_VALUE_BLOCK: return are_equal_blocks(a->block, b->block);
    default: return true;
  }
}
