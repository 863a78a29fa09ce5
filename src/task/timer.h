/* task/timer.h - timers: a hierarchical timer wheel.
**
** Most timers are removed before they fire, so adding and removing take O(1).
**
** Time is counted in ticks of a millisecond since the wheel was made. The wheel has six levels of
** 64 buckets. A timer is at the level of the highest group of six bits in which its due tick
** differs from the current one. When the wheel comes to a bucket of a higher level, its timers move
** to lower levels, in order. So timers fire in the order of their due ticks, and timers of the same
** tick in the order in which they were added.
**
** A timer is removed from its bucket without the wheel; that the bucket may be empty now is noticed
** when the wheel looks for the next timer. A timer that is due after the span of the wheel (two
** years) is in a list of its own, and is placed when the next span begins.
**
** All functions: worker's thread.
*/
#ifndef RT_TASK_TIMER_H
#define RT_TASK_TIMER_H

#include "base/list.h"

enum { RT_WHEEL_LEVELS = 6, RT_WHEEL_BUCKETS = 64 };

/* What happens when the timer fires. (Not a function pointer: there may be millions of sleeping
** tasks, so a timer is small.) */
typedef enum rt_timer_kind {
  RT_TIMER_SLEEP, /* on_sleep of the wheel is called: a task has slept */
  RT_TIMER_CALL,  /* it is an rt_timer_call, whose function is called */
  RT_TIMER_KINDS
} rt_timer_kind;

typedef struct rt_timer {
  rt_list link;
  uint64_t due : 56; /* a tick */
  uint64_t kind : 8; /* rt_timer_kind */
} rt_timer;

typedef struct rt_timer_call {
  rt_timer timer;
  void (*on_fire)(struct rt_timer_call *);
} rt_timer_call;

typedef struct rt_wheel {
  rt_list bucket[RT_WHEEL_LEVELS][RT_WHEEL_BUCKETS];
  uint64_t occupied[RT_WHEEL_LEVELS]; /* a bit for each bucket that may have a timer */
  rt_list overflow;                   /* timers after the current span */
  uint64_t now;                       /* the current tick: what was due by then has fired */
  void (*on_sleep)(rt_timer *, void *owner);
  void *owner;
} rt_wheel;

#define RT_NEVER ((uint64_t)1 << 55) /* a due tick that never comes */

void rt_wheel_init(rt_wheel *wheel, void (*on_sleep)(rt_timer *, void *), void *owner);

/* Adds a timer, which must be in no bucket. If 'due' is not after the current tick, it fires with
** the next one. */
void rt_wheel_add(rt_wheel *wheel, rt_timer *timer, rt_timer_kind kind, uint64_t due);

/* Does nothing for a timer that is in no wheel, whose link points to itself. */
static inline void rt_timer_remove(rt_timer *timer) { rt_list_remove(&timer->link); }

void rt_timer_call_init(rt_timer_call *call, void (*on_fire)(rt_timer_call *));

/* A tick before which no timer is due (a timer may be due later); RT_NEVER: there is no timer. */
uint64_t rt_wheel_next(rt_wheel *wheel);

/* Fires all timers that are due by the tick 'now', in order; returns how many. */
int rt_wheel_advance(rt_wheel *wheel, uint64_t now);

#endif
