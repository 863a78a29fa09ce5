#include "task/timer.h"

enum { BITS = 6, MASK = RT_WHEEL_BUCKETS - 1 };

#define SPAN ((uint64_t)1 << (RT_WHEEL_LEVELS * BITS)) /* in ticks */

void rt_wheel_init(rt_wheel *wheel, void (*on_sleep)(rt_timer *, void *), void *owner) {
  for (int l = 0; l < RT_WHEEL_LEVELS; l++) {
    for (int s = 0; s < RT_WHEEL_BUCKETS; s++) rt_list_init(&wheel->bucket[l][s]);
    wheel->occupied[l] = 0;
  }
  rt_list_init(&wheel->overflow);
  wheel->now = 0;
  wheel->on_sleep = on_sleep;
  wheel->owner = owner;
}

void rt_timer_call_init(rt_timer_call *call, void (*on_fire)(rt_timer_call *)) {
  rt_list_init(&call->timer.link);
  call->on_fire = on_fire;
}

/* The level of the highest bit in which the two ticks differ. */
static int level_of(uint64_t now, uint64_t due) {
  return (63 - __builtin_clzll((now ^ due) | MASK)) / BITS;
}

static unsigned bucket_of(uint64_t tick, int level) { return (tick >> (level * BITS)) & MASK; }

static void wheel_place(rt_wheel *wheel, rt_timer *timer) {
  int level = level_of(wheel->now, timer->due);
  if (level >= RT_WHEEL_LEVELS) {
    rt_list_append(&wheel->overflow, &timer->link);
    return;
  }
  unsigned bucket = bucket_of(timer->due, level);
  rt_list_append(&wheel->bucket[level][bucket], &timer->link);
  wheel->occupied[level] |= (uint64_t)1 << bucket;
}

void rt_wheel_add(rt_wheel *wheel, rt_timer *timer, rt_timer_kind kind, uint64_t due) {
  timer->kind = kind;
  timer->due = due <= wheel->now ? wheel->now + 1 : due < RT_NEVER ? due : RT_NEVER;
  wheel_place(wheel, timer);
}

/* The first bucket of this level, from the current one on, that has a timer; -1: none. */
static int first_occupied(rt_wheel *wheel, int level) {
  unsigned from = bucket_of(wheel->now, level);
  uint64_t ahead = wheel->occupied[level] >> from << from;
  while (ahead) {
    int bucket = __builtin_ctzll(ahead);
    if (!rt_list_is_empty(&wheel->bucket[level][bucket])) return bucket;
    wheel->occupied[level] &= ~((uint64_t)1 << bucket); /* its timers were removed */
    ahead &= ahead - 1;
  }
  return -1;
}

/* The tick at which the next occupied bucket begins, and its level and bucket. Level
** RT_WHEEL_LEVELS: there is none, but the next span begins then. */
static uint64_t next_bucket(rt_wheel *wheel, int *level, int *bucket) {
  for (*level = 0; *level < RT_WHEEL_LEVELS; ++*level) {
    if ((*bucket = first_occupied(wheel, *level)) < 0) continue;
    int shift = *level * BITS;
    uint64_t start = wheel->now >> (shift + BITS) << (shift + BITS) | (uint64_t)*bucket << shift;
    return start > wheel->now ? start : wheel->now;
  }
  return rt_list_is_empty(&wheel->overflow) ? RT_NEVER : (wheel->now | (SPAN - 1)) + 1;
}

uint64_t rt_wheel_next(rt_wheel *wheel) {
  int level, bucket;
  return next_bucket(wheel, &level, &bucket);
}

static void wheel_fire(rt_wheel *wheel, rt_timer *timer) {
  rt_timer_remove(timer);
  if (timer->kind == RT_TIMER_SLEEP) {
    wheel->on_sleep(timer, wheel->owner);
  } else {
    rt_timer_call *call = rt_containerof(timer, rt_timer_call, timer);
    call->on_fire(call);
  }
}

/* Level 0: the bucket is one tick, and its timers fire; a timer that is added meanwhile is due
** later. Higher levels: all timers of the bucket move to lower levels before any fires, so that a
** new timer cannot come between them. The timers are in a list of their own meanwhile, from which a
** function that is called may remove any of them. Returns how many have fired. */
static int serve_bucket(rt_wheel *wheel, int level, int bucket) {
  rt_list timers, *l;
  int n = 0;
  rt_list_init(&timers);
  if (level == RT_WHEEL_LEVELS) {
    rt_list_splice(&timers, &wheel->overflow);
  } else {
    rt_list_splice(&timers, &wheel->bucket[level][bucket]);
    wheel->occupied[level] &= ~((uint64_t)1 << bucket);
  }
  while ((l = rt_list_take(&timers)) != NULL) {
    rt_timer *timer = rt_containerof(l, rt_timer, link);
    if (level > 0) {
      wheel_place(wheel, timer);
    } else {
      wheel_fire(wheel, timer);
      n++;
    }
  }
  return n;
}

int rt_wheel_advance(rt_wheel *wheel, uint64_t now) {
  int level, bucket, n = 0;
  for (;;) {
    uint64_t start = next_bucket(wheel, &level, &bucket);
    if (start > now) break;
    wheel->now = start;
    n += serve_bucket(wheel, level, bucket);
  }
  if (now > wheel->now) wheel->now = now;
  return n;
}
