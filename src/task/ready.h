/* task/ready.h - the ready queue of a worker: the tasks that can run, in order.
**
** A turn of the worker's loop runs the tasks that are ready when the turn begins, each once. A task
** that becomes ready during the turn runs in the next one. So a chain of wake-ups cannot keep other
** tasks, the timers or the OS waiting. All functions: worker's thread.
*/
#ifndef RT_TASK_READY_H
#define RT_TASK_READY_H

#include "task/task.h"

typedef struct rt_ready {
  rt_list now;  /* for this turn */
  rt_list next; /* for the next turn */
} rt_ready;

static inline void rt_ready_init(rt_ready *r) {
  rt_list_init(&r->now);
  rt_list_init(&r->next);
}

/* Adds a task for the next turn. */
static inline void rt_ready_add(rt_ready *r, rt_task *t) { rt_list_append(&r->next, &t->link); }

/* Removes and returns the next task of this turn; NULL: the turn is over. */
static inline rt_task *rt_ready_take(rt_ready *r) {
  rt_list *l = rt_list_take(&r->now);
  return l ? rt_containerof(l, rt_task, link) : NULL;
}

/* Begins the next turn; this one must be over. */
static inline void rt_ready_flip(rt_ready *r) {
  rt_assert(rt_list_is_empty(&r->now));
  rt_list_splice(&r->now, &r->next);
}

/* Is no task ready? */
static inline bool rt_ready_is_idle(const rt_ready *r) {
  return rt_list_is_empty(&r->now) && rt_list_is_empty(&r->next);
}

#endif
