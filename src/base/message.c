#include "base/message.h"

#include <uv.h>

enum { SMALLEST = RT_SIZE(128, 32) };

static void begin(rt_message *p) {
  rt_atomic_init(&p->holders, 1);
  p->count = 0;
  p->room = RT_MESSAGE_FEW;
  p->many = NULL;
  p->len = 0;
  p->cap = SMALLEST;
}

rt_message *rt_message_new(void) {
  rt_message *p = rt_malloc(sizeof *p + SMALLEST);
  if (p) begin(p);
  return p;
}

/* True: nobody holds it any more, and there is nothing in it. */
static bool let_go(rt_message *p) {
  if (rt_load_acquire(&p->holders) > 1 && rt_sub(&p->holders, 1) > 1) return false;
  rt_shared **shared = rt_message_shared(p);
  for (uint32_t i = 0; i < p->count; i++) rt_shared_drop(shared[i]);
  rt_free(p->many);
  return true;
}

void rt_message_drop(rt_message *p) {
  if (let_go(p)) rt_free(p);
}

bool rt_message_clear(rt_message *p) {
  if (!let_go(p)) return false;
  bool small = p->cap == SMALLEST;
  if (small)
    begin(p);
  else
    rt_free(p);
  return small;
}

int rt_message_reserve(rt_message **pp, size_t more) {
  rt_message *p = *pp;
  if (more > RT_MESSAGE_MOST || p->len + more > RT_MESSAGE_MOST) return UV_EMSGSIZE;
  size_t cap = p->cap * 2;
  if (cap < p->len + more) cap = p->len + more;
  if ((p = rt_realloc(p, sizeof *p + cap)) == NULL) return UV_ENOMEM;
  p->cap = cap;
  *pp = p;
  return 0;
}

void rt_message_trim(rt_message **pp) {
  rt_message *p = *pp;
  if (p->cap - p->len < p->len / 8 + 16) return; /* not worth a copy */
  if ((p = rt_realloc(p, sizeof *p + p->len)) == NULL) return;
  p->cap = p->len;
  *pp = p;
}

static int grow_things(rt_message *p) {
  uint32_t room = p->room * 4;
  rt_shared **many = rt_realloc(p->many, room * sizeof *many);
  if (many == NULL) return UV_ENOMEM;
  if (p->many == NULL) memcpy(many, p->few, sizeof p->few);
  p->many = many;
  p->room = room;
  return 0;
}

int rt_message_add(rt_message *p, rt_shared *shared) {
  int err = p->count == p->room ? grow_things(p) : 0;
  if (err == 0) rt_message_shared(p)[p->count++] = shared;
  return err;
}
