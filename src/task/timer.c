#include "task/timer.h"

enum { BITS = 6, MASK = RT_WHEEL_SLOTS - 1 };

#define ROUND ((uint64_t)1 << (RT_WHEEL_LEVELS * BITS)) /* in ticks */

void rt_wheel_init(rt_wheel *w, void (*on_sleep)(rt_timer *, void *), void *who) {
  for (int l = 0; l < RT_WHEEL_LEVELS; l++) {
    for (int s = 0; s < RT_WHEEL_SLOTS; s++) rt_list_init(&w->slot[l][s]);
    w->taken[l] = 0;
  }
  rt_list_init(&w->beyond);
  w->now = 0;
  w->on_sleep = on_sleep;
  w->who = who;
}

void rt_timeout_init(rt_timeout *t, void (*fired)(rt_timeout *)) {
  rt_list_init(&t->timer.link);
  t->fired = fired;
}

/* the level of the highest bit in which the two ticks differ */
static int level_of(uint64_t now, uint64_t due) {
  return (63 - __builtin_clzll((now ^ due) | MASK)) / BITS;
}

static unsigned slot_of(uint64_t tick, int level) { return (tick >> (level * BITS)) & MASK; }

static void place(rt_wheel *w, rt_timer *t) {
  int level = level_of(w->now, t->due);
  if (level >= RT_WHEEL_LEVELS) {
    rt_list_append(&w->beyond, &t->link);
    return;
  }
  unsigned slot = slot_of(t->due, level);
  rt_list_append(&w->slot[level][slot], &t->link);
  w->taken[level] |= (uint64_t)1 << slot;
}

void rt_wheel_add(rt_wheel *w, rt_timer *t, rt_timer_kind kind, uint64_t due) {
  t->kind = kind;
  t->due = due <= w->now ? w->now + 1 : due < RT_NEVER ? due : RT_NEVER;
  place(w, t);
}

/* The first slot of this level, from the present one on, that holds a timer. */
static int first_taken(rt_wheel *w, int level) {
  unsigned from = slot_of(w->now, level);
  uint64_t ahead = w->taken[level] >> from << from;
  while (ahead) {
    int slot = __builtin_ctzll(ahead);
    if (!rt_list_empty(&w->slot[level][slot])) return slot;
    w->taken[level] &= ~((uint64_t)1 << slot); /* they were all withdrawn */
    ahead &= ahead - 1;
  }
  return -1;
}

/* The tick at which the next slot begins, and which slot that is; at level
** RT_WHEEL_LEVELS, what is beyond. */
static uint64_t next_slot(rt_wheel *w, int *level, int *slot) {
  for (*level = 0; *level < RT_WHEEL_LEVELS; ++*level) {
    if ((*slot = first_taken(w, *level)) < 0) continue;
    int shift = *level * BITS;
    uint64_t start = w->now >> (shift + BITS) << (shift + BITS) | (uint64_t)*slot << shift;
    return start > w->now ? start : w->now;
  }
  return rt_list_empty(&w->beyond) ? RT_NEVER : (w->now | (ROUND - 1)) + 1;
}

uint64_t rt_wheel_next(rt_wheel *w) {
  int level, slot;
  return next_slot(w, &level, &slot);
}

static void fire(rt_wheel *w, rt_timer *t) {
  rt_timer_remove(t);
  if (t->kind == RT_TIMER_SLEEP) {
    w->on_sleep(t, w->who);
  } else {
    rt_timeout *call = rt_containerof(t, rt_timeout, timer);
    call->fired(call);
  }
}

/* A slot of level 0 is one tick, and fires; what a timer's function adds meanwhile is for
** a later one.  A higher slot only moves down: all of it, before anything fires, so that
** nothing new comes in between.  A timer that is taken off leaves the list by itself. */
static int empty_slot(rt_wheel *w, int level, int slot) {
  rt_list timers, *l;
  int n = 0;
  rt_list_init(&timers);
  if (level == RT_WHEEL_LEVELS) {
    rt_list_splice(&timers, &w->beyond);
  } else {
    rt_list_splice(&timers, &w->slot[level][slot]);
    w->taken[level] &= ~((uint64_t)1 << slot);
  }
  while ((l = rt_list_take(&timers)) != NULL) {
    rt_timer *t = rt_containerof(l, rt_timer, link);
    if (level > 0) {
      place(w, t);
    } else {
      fire(w, t);
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
    n += empty_slot(w, level, slot);
  }
  if (now > w->now) w->now = now;
  return n;
}
