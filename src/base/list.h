/* base/list.h - an intrusive ring: whoever waits for something is on its list.
**
** A list is a link that nobody owns; an element embeds a link.  Taking an
** element off needs no list, only the element: that is what makes a wait easy to
** withdraw.  A link off every list points at itself.
*/
#ifndef RT_BASE_LIST_H
#define RT_BASE_LIST_H

#include "base/base.h"

typedef struct rt_list {
  struct rt_list *next, *prev;
} rt_list;

static inline void rt_list_init(rt_list *l) { l->next = l->prev = l; }

static inline bool rt_list_empty(const rt_list *l) { return l->next == l; }

static inline void rt_list_append(rt_list *l, rt_list *e) {
  e->prev = l->prev;
  e->next = l;
  l->prev->next = e;
  l->prev = e;
}

static inline void rt_list_prepend(rt_list *l, rt_list *e) { rt_list_append(l->next, e); }

/* harmless on an element that is on no list */
static inline void rt_list_remove(rt_list *e) {
  e->prev->next = e->next;
  e->next->prev = e->prev;
  rt_list_init(e);
}

static inline rt_list *rt_list_first(const rt_list *l) { return rt_list_empty(l) ? NULL : l->next; }

static inline rt_list *rt_list_take(rt_list *l) {
  rt_list *e = rt_list_first(l);
  if (e) rt_list_remove(e);
  return e;
}

/* all of 'from' goes to the end of 'l', in order */
static inline void rt_list_splice(rt_list *l, rt_list *from) {
  if (rt_list_empty(from)) return;
  from->next->prev = l->prev;
  from->prev->next = l;
  l->prev->next = from->next;
  l->prev = from->prev;
  rt_list_init(from);
}

#endif
