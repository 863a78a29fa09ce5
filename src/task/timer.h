/* task/timer.h - the wheel: most timeouts are withdrawn, few fire, so both are O(1).
**
** Time is counted in ticks of a millisecond since the wheel was made.  Six levels
** of 64 slots: a timer stands on the level of the highest group of six bits in
** which its due tick differs from the present one.  When the wheel comes to a slot
** of a higher level, what stands there moves down, in order; so timers fire in the
** order of their ticks, and those of one tick in the order in which they were added.
**
** Taking a timer off needs no wheel: it leaves its slot, and a slot found empty is
** forgotten then.  What lies beyond the wheel's round (two years) waits on a list of its
** own, and is placed when the next round begins.
*/
#ifndef RT_TASK_TIMER_H
#define RT_TASK_TIMER_H

#include "base/list.h"

enum { RT_WHEEL_LEVELS = 6, RT_WHEEL_SLOTS = 64 };

/* Who is told, by kind: a timer is small because millions of them may sleep. */
typedef enum rt_timer_kind {
  RT_TIMER_SLEEP, /* a sleeping task */
  RT_TIMER_CALL,  /* an rt_timeout: calls its function */
  RT_TIMER_KINDS
} rt_timer_kind;

typedef struct rt_timer {
  rt_list link;
  uint64_t due : 56;
  uint64_t kind : 8;
} rt_timer;

typedef struct rt_timeout {
  rt_timer timer;
  void (*fired)(struct rt_timeout *);
} rt_timeout;

typedef struct rt_wheel {
  rt_list slot[RT_WHEEL_LEVELS][RT_WHEEL_SLOTS];
  uint64_t taken[RT_WHEEL_LEVELS]; /* a bit for each slot that may hold a timer */
  rt_list beyond;                  /* not in this round */
  uint64_t now;                    /* all ticks up to this one have been served */
  void (*on_sleep)(rt_timer *, void *);
  void *who;
} rt_wheel;

#define RT_NEVER ((uint64_t)1 << 55)

void rt_wheel_init(rt_wheel *w, void (*on_sleep)(rt_timer *, void *), void *who);

/* A tick that has been served already is served with the next one. */
void rt_wheel_add(rt_wheel *w, rt_timer *t, rt_timer_kind kind, uint64_t due);

/* harmless on one that is on no wheel */
static inline void rt_timer_remove(rt_timer *t) { rt_list_remove(&t->link); }

void rt_timeout_init(rt_timeout *t, void (*fired)(rt_timeout *));

/* No timer is due before this tick; RT_NEVER when there is none. */
uint64_t rt_wheel_next(rt_wheel *w);

/* Fires all that is due at 'now' or before, in order; returns how many. */
int rt_wheel_advance(rt_wheel *w, uint64_t now);

#endif
