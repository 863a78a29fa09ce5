#include "task/timer.h"

enum { BITS = 6, MASK = RT_WHEEL_SLOTS - 1 };

#define SPAN ((uint64_t)1 << (RT_WHEEL_LEVELS * BITS)) /* in ticks */

void rt_wheel_init(rt_wheel *w, void (*on_sleep)(rt_timer *, void *), void *owner) {
  for (int l = 0; l < RT_WHEEL_LEVELS; l++) {
    for (int s = 0; s < RT_WHEEL_SLOTS; s++) rt_list_init(&w->slot[l][s]);
    w->occupied[l] = 0;
  }
  rt_list_init(&w->overflow);
  w->now = 0;
  w->on_sleep = on_sleep;
  w->owner = owner;
}

void rt_timer_call_init(rt_timer_call *t, void (*on_fire)(rt_timer_call *)) {
  rt_list_init(&t->timer.link);
  t->on_fire = on_fire;
}

/* The level of the highest bit in which the two ticks differ. */
static int level_of(uint64_t now, uint64_t due) {
  return (63 - __builtin_clzll((now ^ due) | MASK)) / BITS;
}

static unsigned slot_of(uint64_t tick, int level) { return (tick >> (level * BITS)) & MASK; }

static void wheel_place(rt_wheel *w, rt_timer *t) {
  int level = level_of(w->now, t->due);
  if (level >= RT_WHEEL_LEVELS) {
    rt_list_append(&w->overflow, &t->link);
    return;
  }
  unsigned slot = slot_of(t->due, level);
  rt_list_append(&w->slot[level][slot], &t->link);
  w->occupied[level] |= (uint64_t)1 << slot;
}

void rt_wheel_add(rt_wheel *w, rt_timer *t, rt_timer_kind kind, uint64_t due) {
  t->kind = kind;
  t->due = due <= w->now ? w->now + 1 : due < RT_NEVER ? due : RT_NEVER;
  wheel_place(w, t);
}

/* The first slot of this level, from the current one on, that has a timer; -1: none. */
static int first_occupied(rt_wheel *w, int level) {
  unsigned from = slot_of(w->now, level);
  uint64_t ahead = w->occupied[level] >> from << from;
  while (ahead) {
    int slot = __builtin_ctzll(ahead);
    if (!rt_list_is_empty(&w->slot[level][slot])) return slot;
    w->occupied[level] &= ~((uint64_t)1 << slot); /* its timers were removed */
    ahead &= ahead - 1;
  }
  return -1;
}

/* The tick at which the next occupied slot begins, and its level and slot. Level RT_WHEEL_LEVELS:
** there is none, but the next span begins then. */
static uint64_t next_slot(rt_wheel *w, int *level, int *slot) {
  for (*level = 0; *level < RT_WHEEL_LEVELS; ++*level) {
    if ((*slot = first_occupied(w, *level)) < 0) continue;
    int shift = *level * BITS;
    uint64_t start = w->now >> (shift + BITS) << (shift + BITS) | (uint64_t)*slot << shift;
    return start > w->now ? start : w->now;
  }
  return rt_list_is_empty(&w->overflow) ? RT_NEVER : (w->now | (SPAN - 1)) + 1;
}

uint64_t rt_wheel_next(rt_wheel *w) {
  int level, slot;
  return next_slot(w, &level, &slot);
}

static void wheel_fire(rt_wheel *w, rt_timer *t) {
  rt_timer_remove(t);
  if (t->kind == RT_TIMER_SLEEP) {
    w->on_sleep(t, w->owner);
  } else {
    rt_timer_call *call = rt_containerof(t, rt_timer_call, timer);
    call->on_fire(call);
  }
}

/* Level 0: the slot is one tick, and its timers fire; a timer that is added meanwhile is due later.
** Higher levels: all timers of the slot move to lower levels before any fires, so that a new timer
** cannot come between them. The timers are in a list of their own meanwhile, from which a function
** that is called may remove any of them. Returns how many have fired. */
static int serve_slot(rt_wheel *w, int level, int slot) {
  rt_list timers, *l;
  int n = 0;
  rt_list_init(&timers);
  if (level == RT_WHEEL_LEVELS) {
    rt_list_splice(&timers, &w->overflow);
  } else {
    rt_list_splice(&timers, &w->slot[level][slot]);
    w->occupied[level] &= ~((uint64_t)1 << slot);
  }
  while ((l = rt_list_take(&timers)) != NULL) {
    rt_timer *t = rt_containerof(l, rt_timer, link);
    if (level > 0) {
      wheel_place(w, t);
    } else {
      wheel_fire(w, t);
      n++;
    }
  }
  return n;
}

int rt_wheel_advance(rt_wheel *w, uint64_t now) {
  int level, slot, n = 0;
  for (;;) {
    uint64_t start = next_slot(w, &level, &slot);
    if (start > now) break;
    w->now = start;
    n += serve_slot(w, level, slot);
  }
  if (now > w->now) w->now = now;
  return n;
}
