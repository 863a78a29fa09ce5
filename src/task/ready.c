#include "task/ready.h"

/* Of so many slices of tasks that compute, one is of normal priority, while there are both. */
enum { SLICES = 5 };

void rt_ready_init(rt_ready *r) {
  rt_list *const lists[] = {&r->now,  &r->next, &r->computing, &r->computing_high,
                            &r->high, &r->idle};
  for (size_t i = 0; i < rt_countof(lists); i++) rt_list_init(lists[i]);
  r->computed = 0;
  r->has_priorities = r->has_more = false;
}

static rt_task *task_of(rt_list *l) { return rt_containerof(l, rt_task, link); }

void rt_ready_look(rt_ready *r) {
  r->has_more = r->has_priorities || rt_ready_has_computing(r) || !rt_list_is_empty(&r->idle);
}

static void add_later(rt_list *list, rt_task *t) {
  t->is_later = 1;
  rt_list_append(list, &t->link);
}

static rt_task *take_later(rt_list *list) {
  rt_task *t = task_of(rt_list_take(list));
  t->is_later = 0;
  return t;
}

/* --- tasks that compute ----------------------------------------------------------------------- */
/* A task never owes more: a call of a C function does not keep it from running for long. */
#define OWED_MAX (40 * RT_MILLISECOND)

/* Slices differ: the system looks at the timer of run/preempt.c at its own ticks only, so slices of
** 8 and of 12 ms may alternate, and the same task may get the long one in each round. */
uint64_t rt_ready_owed(uint64_t owed, uint64_t used, uint64_t share) {
  owed += used > share ? used - share : 0;
  return owed < OWED_MAX ? owed : OWED_MAX;
}

void rt_ready_add_computing(rt_ready *r, rt_task *t, uint64_t owed) {
  rt_list *list = t->priority == RT_HIGH   ? &r->computing_high
                  : t->priority == RT_IDLE ? &r->idle
                                           : &r->computing;
  t->owed = owed;
  add_later(list, t);
  r->has_more = true;
}

rt_task *rt_ready_take_computing(rt_ready *r, uint64_t share) {
  bool high = !rt_list_is_empty(&r->computing_high) &&
              (rt_list_is_empty(&r->computing) || r->computed % SLICES != 0);
  rt_list *list = high ? &r->computing_high : &r->computing;
  r->computed++;
  for (;;) {
    rt_task *t = take_later(list);
    if (t->owed < share) return t;
    t->owed -= share;
    add_later(list, t);
  }
}

/* --- priorities ------------------------------------------------------------------------------- */
rt_task *rt_ready_take_idle(rt_ready *r) { return take_later(&r->idle); }

void rt_ready_hasten(rt_ready *r, rt_task *t) {
  if (!t->is_later || t->co == NULL) return; /* (tasks that have not begun keep their order) */
  t->is_later = 0;
  rt_list_remove(&t->link);
  rt_ready_add(r, t);
}

void rt_ready_sort(rt_ready *r) {
  rt_list rest, *l;
  rt_list_init(&rest);
  while ((l = rt_list_take(&r->next)) != NULL) {
    rt_task *t = task_of(l);
    if (t->priority == RT_IDLE && !(t->alert && t->co))
      add_later(&r->idle, t);
    else
      rt_list_append(t->priority == RT_HIGH ? &r->high : &rest, l);
  }
  rt_list_splice(&r->next, &rest);
}

/* (If the turn has such tasks still, these come after them, in the next turn.) */
void rt_ready_promote(rt_ready *r) {
  rt_list *l = rt_list_first(&r->now);
  rt_ready_sort(r);
  if (l && task_of(l)->priority == RT_HIGH) return;
  rt_list_splice(&r->high, &r->now);
  rt_list_splice(&r->now, &r->high);
}
