#include "base/message.h"

#include <uv.h>

enum { MIN_CAPACITY = RT_SIZE(128, 32) };

static void message_init(rt_message *message) {
  rt_atomic_init(&message->holders, 1);
  message->count = 0;
  message->room = RT_MESSAGE_FEW;
  message->many = NULL;
  message->len = 0;
  message->cap = MIN_CAPACITY;
}

rt_message *rt_message_new(void) {
  rt_message *message = rt_malloc(sizeof *message + MIN_CAPACITY);
  if (message) message_init(message);
  return message;
}

/* True: that was the last reference, and the message holds no shared object any more.
** If this is the only reference, no other thread can take one, and no subtraction is needed. The
** load is an acquire: what the other holders did with the message, before they dropped it, happens
** before this thread frees it or writes to it. */
static bool drop_content(rt_message *message) {
  if (rt_load_acquire(&message->holders) > 1 && rt_sub(&message->holders, 1) > 1) return false;
  rt_shared **shared = rt_message_shared(message);
  for (uint32_t i = 0; i < message->count; i++) rt_shared_drop_and_look(shared[i], RT_SHARED_REF);
  rt_free(message->many);
  return true;
}

void rt_message_drop(rt_message *message) {
  if (drop_content(message)) rt_free(message);
}

bool rt_message_clear(rt_message *message) {
  if (!drop_content(message)) return false;
  bool small = message->cap == MIN_CAPACITY;
  if (small)
    message_init(message);
  else
    rt_free(message);
  return small;
}

int rt_message_reserve(rt_message **pp, size_t more) {
  rt_message *message = *pp;
  if (more > RT_MESSAGE_MAX || message->len + more > RT_MESSAGE_MAX) return UV_EMSGSIZE;
  size_t cap = message->cap * 2;
  if (cap < message->len + more) cap = message->len + more;
  if ((message = rt_realloc(message, sizeof *message + cap)) == NULL) return UV_ENOMEM;
  message->cap = cap;
  *pp = message;
  return 0;
}

void rt_message_trim(rt_message **pp) {
  rt_message *message = *pp;
  if (message->cap - message->len < message->len / 8 + 16)
    return; /* too little to be worth a copy */
  if ((message = rt_realloc(message, sizeof *message + message->len)) == NULL) return;
  message->cap = message->len;
  *pp = message;
}

static int grow_shared(rt_message *message) {
  uint32_t room = message->room * 4;
  rt_shared **many = rt_realloc(message->many, room * sizeof *many);
  if (many == NULL) return UV_ENOMEM;
  if (message->many == NULL) memcpy(many, message->few, sizeof message->few);
  message->many = many;
  message->room = room;
  return 0;
}

int rt_message_add(rt_message *message, rt_shared *shared) {
  int err = message->count == message->room ? grow_shared(message) : 0;
  if (err == 0) rt_message_shared(message)[message->count++] = shared;
  return err;
}
