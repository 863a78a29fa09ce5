/* base/list.h - an intrusive doubly linked list, as a ring.
**
** The user embeds an rt_list in each element; the list itself is one more rt_list, which belongs to
** no element. An element can be removed without knowing its list: so a wait is easy to withdraw. A
** link that is in no list points to itself. Each function takes O(1).
*/
#ifndef RT_BASE_LIST_H
#define RT_BASE_LIST_H

#include "base/base.h"

typedef struct rt_list {
  struct rt_list *next, *prev;
} rt_list;

static inline void rt_list_init(rt_list *l) { l->next = l->prev = l; }

static inline bool rt_list_is_empty(const rt_list *l) { return l->next == l; }

static inline void rt_list_append(rt_list *l, rt_list *e) {
  e->prev = l->prev;
  e->next = l;
  l->prev->next = e;
  l->prev = e;
}

static inline void rt_list_prepend(rt_list *l, rt_list *e) { rt_list_append(l->next, e); }

/* An element that is in no list stays so: it is linked to itself. */
static inline void rt_list_remove(rt_list *e) {
  e->prev->next = e->next;
  e->next->prev = e->prev;
  rt_list_init(e);
}

static inline rt_list *rt_list_first(const rt_list *l) {
  return rt_list_is_empty(l) ? NULL : l->next;
}

/* Removes and returns the first element; NULL: the list is empty. */
static inline rt_list *rt_list_take(rt_list *l) {
  rt_list *e = rt_list_first(l);
  if (e) rt_list_remove(e);
  return e;
}

/* Moves all elements of 'from' to the end of 'l', in order. */
static inline void rt_list_splice(rt_list *l, rt_list *from) {
  if (rt_list_is_empty(from)) return;
  from->next->prev = l->prev;
  from->prev->next = l;
  l->prev->next = from->next;
  l->prev = from->prev;
  rt_list_init(from);
}

#endif
