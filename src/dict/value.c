#include "dict/value.h"

#include <uv.h>

static rt_value_block *new_parcel(rt_message *message, size_t len) {
  rt_value_block *p = rt_malloc(sizeof *p + (message ? 0 : len));
  if (p == NULL) return NULL;
  p->message = message;
  p->len = len;
  rt_atomic_init(&p->holders, 1);
  return p;
}

int rt_value_from_string(rt_value *v, const char *s, size_t len) {
  if (len <= RT_VALUE_SHORT) {
    v->type = RT_VALUE_STRING;
    v->len = (uint8_t)len;
    memcpy(v->text, s, len);
    return 0;
  }
  rt_value_block *p = new_parcel(NULL, len);
  if (p == NULL) return UV_ENOMEM;
  memcpy(p->bytes, s, len);
  v->type = RT_VALUE_BLOCK;
  v->block = p;
  return 0;
}

int rt_value_from_message(rt_value *v, rt_message *message) {
  rt_message_trim(&message);
  rt_value_block *p = new_parcel(message, message->len);
  if (p == NULL) {
    rt_message_drop(message);
    return UV_ENOMEM;
  }
  v->type = RT_VALUE_BLOCK;
  v->block = p;
  return 0;
}

void rt_value_block_drop(rt_value_block *p) {
  if (rt_sub(&p->holders, 1) != 1) return;
  if (p->message) rt_message_drop(p->message);
  rt_free(p);
}

size_t rt_value_size(const rt_value *v) {
  if (v->type != RT_VALUE_BLOCK) return 0;
  const rt_message *message = v->block->message;
  size_t size = sizeof *v->block;
  if (message == NULL) return size + v->block->len;
  return size + sizeof *message + message->cap +
         (message->many ? message->room * sizeof(void *) : 0);
}

static bool are_same_things(rt_message *a, rt_message *b) {
  return a->count == b->count &&
         memcmp(rt_message_shared(a), rt_message_shared(b), a->count * sizeof(rt_shared *)) == 0;
}

static bool are_equal_parcels(const rt_value_block *a, const rt_value_block *b) {
  if (a->len != b->len || (a->message == NULL) != (b->message == NULL)) return false;
  if (a->message == NULL) return memcmp(a->bytes, b->bytes, a->len) == 0;
  return memcmp(a->message->bytes, b->message->bytes, a->len) == 0 &&
         are_same_things(a->message, b->message);
}

/* 2^53 + 1 is no float, so the conversion has to be looked at both ways. */
static bool is_integer(double number, int64_t integer) {
  return number >= -0x1p63 && number < 0x1p63 && (int64_t)number == integer &&
         (double)integer == number;
}

bool rt_value_equal(const rt_value *a, const rt_value *b) {
  if (a->type == RT_VALUE_INTEGER && b->type == RT_VALUE_NUMBER)
    return is_integer(b->number, a->integer);
  if (a->type == RT_VALUE_NUMBER && b->type == RT_VALUE_INTEGER)
    return is_integer(a->number, b->integer);
  if (a->type != b->type) return false;
  switch (a->type) {
    case RT_VALUE_INTEGER: return a->integer == b->integer;
    case RT_VALUE_NUMBER: return a->number == b->number;
    case RT_VALUE_STRING: return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    case RT_VALUE_BLOCK: return are_equal_parcels(a->block, b->block);
    default: return true;
  }
}
