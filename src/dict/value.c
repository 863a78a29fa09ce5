#include "dict/value.h"

#include <uv.h>

static rt_parcel *new_parcel(rt_packet *packet, size_t len) {
  rt_parcel *p = rt_malloc(sizeof *p + (packet ? 0 : len));
  if (p == NULL) return NULL;
  p->packet = packet;
  p->len = len;
  atomic_init(&p->holders, 1);
  return p;
}

int rt_value_from_string(rt_value *v, const char *s, size_t len) {
  if (len <= RT_VALUE_SHORT) {
    v->type = RT_VALUE_STRING;
    v->len = (uint8_t)len;
    memcpy(v->text, s, len);
    return 0;
  }
  rt_parcel *p = new_parcel(NULL, len);
  if (p == NULL) return UV_ENOMEM;
  memcpy(p->bytes, s, len);
  v->type = RT_VALUE_PARCEL;
  v->parcel = p;
  return 0;
}

int rt_value_from_packet(rt_value *v, rt_packet *packet) {
  rt_packet_trim(&packet);
  rt_parcel *p = new_parcel(packet, packet->len);
  if (p == NULL) {
    rt_packet_drop(packet);
    return UV_ENOMEM;
  }
  v->type = RT_VALUE_PARCEL;
  v->parcel = p;
  return 0;
}

void rt_parcel_drop(rt_parcel *p) {
  if (rt_sub(&p->holders, 1) != 1) return;
  if (p->packet) rt_packet_drop(p->packet);
  rt_free(p);
}

size_t rt_value_size(const rt_value *v) {
  if (v->type != RT_VALUE_PARCEL) return 0;
  const rt_packet *packet = v->parcel->packet;
  size_t size = sizeof *v->parcel;
  if (packet == NULL) return size + v->parcel->len;
  return size + sizeof *packet + packet->cap + (packet->many ? packet->room * sizeof(void *) : 0);
}

static bool are_same_things(rt_packet *a, rt_packet *b) {
  return a->count == b->count &&
         memcmp(rt_packet_things(a), rt_packet_things(b), a->count * sizeof(rt_thing *)) == 0;
}

static bool are_equal_parcels(const rt_parcel *a, const rt_parcel *b) {
  if (a->len != b->len || (a->packet == NULL) != (b->packet == NULL)) return false;
  if (a->packet == NULL) return memcmp(a->bytes, b->bytes, a->len) == 0;
  return memcmp(a->packet->bytes, b->packet->bytes, a->len) == 0 &&
         are_same_things(a->packet, b->packet);
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
    case RT_VALUE_PARCEL: return are_equal_parcels(a->parcel, b->parcel);
    default: return true;
  }
}
