#include "base/message.h"

#include <uv.h>

enum { MIN_CAPACITY = RT_SIZE(128, 32) };

static void message_init(rt_message *p) {
  rt_atomic_init(&p->holders, 1);
  p->count = 0;
  p->room = RT_MESSAGE_FEW;
  p->many = NULL;
  p->len = 0;
  p->cap = MIN_CAPACITY;
}

rt_message *rt_message_new(void) {
  rt_message *p = rt_malloc(sizeof *p + MIN_CAPACITY);
  if (p) message_init(p);
  return p;
}

/* True: that was the last reference, and the message holds no shared object any more.
** If this is the only reference, no other thread can take one, and no subtraction is needed. The
** load is an acquire: what the other holders did with the message, before they dropped it, happens
** before this thread frees it or writes to it. */
static bool drop_content(rt_message *p) {
  if (rt_load_acquire(&p->holders) > 1 && rt_sub(&p->holders, 1) > 1) return false;
  rt_shared **shared = rt_message_shared(p);
  for (uint32_t i = 0; i < p->count; i++) rt_shared_drop(shared[i]);
  rt_free(p->many);
  return true;
}

void rt_message_drop(rt_message *p) {
  if (drop_content(p)) rt_free(p);
}

bool rt_message_clear(rt_message *p) {
  if (!drop_content(p)) return false;
  bool small = p->cap == MIN_CAPACITY;
  if (small)
    message_init(p);
  else
    rt_free(p);
  return small;
}

int rt_message_reserve(rt_message **pp, size_t more) {
  rt_message *p = *pp;
  if (more > RT_MESSAGE_MAX || p->len + more > RT_MESSAGE_MAX) return UV_EMSGSIZE;
  size_t cap = p->cap * 2;
  if (cap < p->len + more) cap = p->len + more;
  if ((p = rt_realloc(p, sizeof *p + cap)) == NULL) return UV_ENOMEM;
  p->cap = cap;
  *pp = p;
  return 0;
}

void rt_message_trim(rt_message **pp) {
  rt_message *p = *pp;
  if (p->cap - p->len < p->len / 8 + 16) return; /* too little to be worth a copy */
  if ((p = rt_realloc(p, sizeof *p + p->len)) == NULL) return;
  p->cap = p->len;
  *pp = p;
}

static int grow_shared(rt_message *p) {
  uint32_t room = p->room * 4;
  rt_shared **many = rt_realloc(p->many, room * sizeof *many);
  if (many == NULL) return UV_ENOMEM;
  if (p->many == NULL) memcpy(many, p->few, sizeof p->few);
  p->many = many;
  p->room = room;
  return 0;
}

int rt_message_add(rt_message *p, rt_shared *shared) {
  int err = p->count == p->room ? grow_shared(p) : 0;
  if (err == 0) rt_message_shared(p)[p->count++] = shared;
  return err;
}
