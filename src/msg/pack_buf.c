#include "msg/pack_buf.h"

enum { KEPT = RT_SIZE(64 * 1024, 64) }; /* bytes of each buffer */

static void free_desk(rt_desk *desk) {
  if (desk->draft) rt_packet_drop(desk->draft);
  rt_marks_close(&desk->marks);
  rt_buf_close(&desk->heads);
  rt_buf_close(&desk->parents);
  rt_buf_close(&desk->moves);
  rt_buf_close(&desk->code);
  rt_free(desk);
}

void rt_desks_close(rt_desks *d) {
  rt_desk *desk;
  while ((desk = d->free) != NULL) {
    d->free = desk->next;
    free_desk(desk);
  }
  while (d->count > 0) rt_packet_drop(d->spares[--d->count]);
}

static rt_desk *new_desk(void) { return rt_calloc(sizeof(rt_desk)); }

rt_desk *rt_desk_take(rt_desks *d) {
  rt_packet *draft = d->count > 0 ? d->spares[--d->count] : rt_packet_new();
  if (draft == NULL) return NULL;
  rt_desk *desk = d->free ? d->free : new_desk();
  if (desk == NULL) {
    rt_packet_drop(draft);
    return NULL;
  }
  d->free = desk->next;
  d->taken++;
  desk->draft = draft;
  return desk;
}

static void empty(rt_buf *b) {
  if (b->cap > KEPT)
    rt_buf_close(b);
  else
    b->head = b->tail = 0;
}

void rt_desk_give(rt_desks *d, rt_desk *desk) {
  if (desk->draft) rt_packet_drop(desk->draft);
  desk->draft = NULL;
  rt_marks_clear(&desk->marks);
  empty(&desk->heads);
  empty(&desk->parents);
  empty(&desk->moves);
  empty(&desk->code);
  desk->next = d->free;
  d->free = desk;
  d->taken--;
}

void rt_desk_drop(rt_desks *d, rt_packet *p) {
  if (d->count == RT_DESK_SPARES)
    rt_packet_drop(p);
  else if (rt_packet_clear(p))
    d->spares[d->count++] = p;
}
