#include "pack/pack_buf.h"

enum { KEPT_MAX = RT_SIZE(64 * 1024, 64) }; /* a larger buffer is freed after use */

static void free_pack_buf(rt_pack_buf *pack_buf) {
  if (pack_buf->draft) rt_message_drop(pack_buf->draft);
  rt_ptr_map_close(&pack_buf->object_ids);
  rt_buf_close(&pack_buf->heads);
  rt_buf_close(&pack_buf->parents);
  rt_buf_close(&pack_buf->moves);
  rt_buf_close(&pack_buf->code);
  rt_free(pack_buf);
}

void rt_pack_bufs_close(rt_pack_bufs *b) {
  rt_pack_buf *pack_buf;
  while ((pack_buf = b->free) != NULL) {
    b->free = pack_buf->next;
    free_pack_buf(pack_buf);
  }
  while (b->count > 0) rt_message_drop(b->spares[--b->count]);
}

static rt_pack_buf *new_pack_buf(void) { return rt_calloc(sizeof(rt_pack_buf)); }

rt_pack_buf *rt_pack_buf_take(rt_pack_bufs *b) {
  rt_message *draft = b->count > 0 ? b->spares[--b->count] : rt_message_new();
  if (draft == NULL) return NULL;
  rt_pack_buf *pack_buf = b->free ? b->free : new_pack_buf();
  if (pack_buf == NULL) {
    rt_message_drop(draft);
    return NULL;
  }
  b->free = pack_buf->next;
  b->taken++;
  pack_buf->draft = draft;
  return pack_buf;
}

static void empty(rt_buf *b) {
  if (b->cap > KEPT_MAX)
    rt_buf_close(b);
  else
    b->head = b->tail = 0;
}

void rt_pack_buf_give(rt_pack_bufs *b, rt_pack_buf *pack_buf) {
  if (pack_buf->draft) rt_message_drop(pack_buf->draft);
  pack_buf->draft = NULL;
  rt_ptr_map_clear(&pack_buf->object_ids);
  empty(&pack_buf->heads);
  empty(&pack_buf->parents);
  empty(&pack_buf->moves);
  empty(&pack_buf->code);
  pack_buf->next = b->free;
  b->free = pack_buf;
  b->taken--;
}

void rt_pack_buf_drop(rt_pack_bufs *b, rt_message *message) {
  if (b->count == RT_PACK_BUF_SPARES)
    rt_message_drop(message);
  else if (rt_message_clear(message))
    b->spares[b->count++] = message;
}
