/* task/ready.h - who may run, and in which order.
**
** A turn is the tasks that may run when it begins, each once, in order.  Whoever
** becomes runnable meanwhile is for the next one, so no chain of wake-ups can keep
** the others, the timers and the OS waiting.
*/
#ifndef RT_TASK_READY_H
#define RT_TASK_READY_H

#include "task/task.h"

typedef struct rt_ready {
  rt_list now;
  rt_list next;
} rt_ready;

static inline void rt_ready_init(rt_ready *t) {
  rt_list_init(&t->now);
  rt_list_init(&t->next);
}

static inline void rt_ready_add(rt_ready *r, rt_task *t) { rt_list_append(&r->next, &t->link); }

static inline rt_task *rt_ready_take(rt_ready *r) {
  rt_list *l = rt_list_take(&r->now);
  return l ? rt_containerof(l, rt_task, link) : NULL;
}

/* This turn is over: those of the next become those of now. */
static inline void rt_ready_flip(rt_ready *r) {
  rt_assert(rt_list_empty(&r->now));
  rt_list_splice(&r->now, &r->next);
}

static inline bool rt_ready_idle(const rt_ready *r) {
  return rt_list_empty(&r->now) && rt_list_empty(&r->next);
}

#endif
