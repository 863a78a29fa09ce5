/* task/ready.h - the queue of tasks that may run.
**
** A turn of the worker's loop runs the tasks that are ready when the turn begins, each once. A task
** that becomes ready during the turn runs in the next one. So a chain of wake-ups cannot keep other
** tasks, the timers or the OS waiting.
**
** A task that computes, and was switched for that, goes to a list of its own. One task of that list
** runs when no other task can run, and when the others have had their share of the time
** (run/loop.c). So new tasks, and those that waited, go before tasks that compute, however many of
** these there are.
**
** Few tasks have a priority. One of high priority comes first in its turn, and, if it computes, has
** most of the time that is left for those that compute. One of idle priority runs when no other
** task can run at all, and a little from time to time. A worker that has had no such task does not
** look for them. All functions: worker's thread.
*/
#ifndef RT_TASK_READY_H
#define RT_TASK_READY_H

#include "task/task.h"

typedef struct rt_ready {
  rt_list now;  /* for this turn */
  rt_list next; /* for the next turn, of any priority until rt_ready_sort */
  /* switched while they computed, the one that waits longest first */
  rt_list computing;
  rt_list computing_high;
  rt_list high;        /* of 'next', after rt_ready_sort */
  rt_list idle;        /* new, woken or switched */
  unsigned computed;   /* slices of 'computing' and 'computing_high' */
  bool has_priorities; /* there has been a task with a priority */
  bool has_more;       /* that, or there may be tasks in other lists than 'now' and 'next' */
} rt_ready;

void rt_ready_init(rt_ready *r);

/* Adds a task for the next turn. */
static inline void rt_ready_add(rt_ready *r, rt_task *t) { rt_list_append(&r->next, &t->link); }

/* Sets the priority of a task that has not begun. */
static inline void rt_ready_prioritize(rt_ready *r, rt_task *t, rt_priority priority) {
  t->priority = priority;
  if (priority != RT_NORMAL) r->has_priorities = r->has_more = true;
}

/* How much more CPU time than its share a task has had after a turn in which it has 'used' so much;
** 'owed': before that turn. In ns. */
uint64_t rt_ready_owed(uint64_t owed, uint64_t used, uint64_t share);

/* Adds a task that was switched while it computed. 'owed': how much more CPU time than its share it
** has had, in ns. */
void rt_ready_add_computing(rt_ready *r, rt_task *t, uint64_t owed);

/* Sets 'has_more'. */
void rt_ready_look(rt_ready *r);

/* Does a task wait that was switched while it computed? */
static inline bool rt_ready_has_computing(const rt_ready *r) {
  return !rt_list_is_empty(&r->computing) || !rt_list_is_empty(&r->computing_high);
}

/* Removes and returns the next of these tasks. They take turns, and each may use 'share' ns in a
** turn. A task that owes so much leaves a turn out. */
rt_task *rt_ready_take_computing(rt_ready *r, uint64_t share);

/* Removes and returns the task of idle priority that waits longest. */
rt_task *rt_ready_take_idle(rt_ready *r);

/* The task has to end: if others precede it, it is for the next turn all the same. */
void rt_ready_hasten(rt_ready *r, rt_task *t);

/* Removes and returns the next task of this turn; NULL: the turn is over. */
static inline rt_task *rt_ready_take(rt_ready *r) {
  rt_list *l = rt_list_take(&r->now);
  return l ? rt_containerof(l, rt_task, link) : NULL;
}

/* If has_priorities: moves the tasks of high and of idle priority from 'next' to their lists. */
void rt_ready_sort(rt_ready *r);

/* Moves the tasks of high priority from 'next' to the front of this turn. */
void rt_ready_promote(rt_ready *r);

/* Begins the next turn; this one must be over. */
static inline void rt_ready_flip(rt_ready *r) {
  rt_assert(rt_list_is_empty(&r->now));
  if (rt_unlikely(r->has_more)) rt_list_splice(&r->now, &r->high);
  rt_list_splice(&r->now, &r->next);
}

/* Can no task run but those of idle priority? */
static inline bool rt_ready_is_free(const rt_ready *r) {
  return rt_list_is_empty(&r->now) && rt_list_is_empty(&r->next) &&
         (!r->has_more || (!rt_ready_has_computing(r) && rt_list_is_empty(&r->high)));
}

/* Is no task ready? */
static inline bool rt_ready_is_idle(const rt_ready *r) {
  return rt_ready_is_free(r) && (!r->has_more || rt_list_is_empty(&r->idle));
}

#endif
