/* spec/ground/list.c - base/list.h: the intrusive doubly linked list. */
#include "base/list.h"
#include "check.h"

enum { ITEMS = 64, STEPS = 200000 };

typedef struct item {
  rt_list link;
  int on; /* which list it is on by the oracle, or -1 */
} item;

/* --- the oracle: an array in order ------------------------------------------------------------ */
typedef struct row {
  rt_list list;
  int n;
  item *at[ITEMS];
} row;

static item items[ITEMS];
static row rows[2];

static void insert(row *r, int at, item *it) {
  memmove(&r->at[at + 1], &r->at[at], sizeof r->at[0] * (size_t)(r->n - at));
  r->at[at] = it;
  r->n++;
  it->on = (int)(r - rows);
}

static void withdraw(item *it) {
  row *r = &rows[it->on];
  int at = 0;
  while (r->at[at] != it) at++;
  r->n--;
  memmove(&r->at[at], &r->at[at + 1], sizeof r->at[0] * (size_t)(r->n - at));
  it->on = -1;
}

static bool is_same(const row *r) {
  const rt_list *l = r->list.next;
  for (int i = 0; i < r->n; i++, l = l->next)
    if (l != &r->at[i]->link || l->next->prev != l) return false;
  return l == &r->list && rt_list_is_empty(&r->list) == (r->n == 0);
}

/* --- one random step -------------------------------------------------------------------------- */
static void move_in(item *it) {
  row *r = &rows[below(2)];
  if (it->on >= 0) return;
  if (one_in(2)) {
    rt_list_append(&r->list, &it->link);
    insert(r, r->n, it);
  } else {
    rt_list_prepend(&r->list, &it->link);
    insert(r, 0, it);
  }
}

static void remove_one(item *it) {
  rt_list_remove(&it->link);
  if (it->on >= 0) withdraw(it);
}

static bool take_one(row *r) {
  item *first = r->n ? r->at[0] : NULL;
  rt_list *l = rt_list_first(&r->list);
  bool right = l == (first ? &first->link : NULL) && rt_list_take(&r->list) == l;
  if (first) withdraw(first);
  return right;
}

static void move_all(row *to, row *from) {
  rt_list_splice(&to->list, &from->list);
  while (from->n > 0) {
    item *it = from->at[0];
    withdraw(it);
    insert(to, to->n, it);
  }
}

static bool step(void) {
  int which = (int)below(2);
  item *it = &items[below(ITEMS)];
  switch (below(20)) {
    case 0: move_all(&rows[which], &rows[1 - which]); return true;
    case 1:
    case 2:
    case 3: return take_one(&rows[which]);
    case 4:
    case 5:
    case 6:
    case 7: remove_one(it); return true;
    default: move_in(it); return true;
  }
}

int main(void) {
  check_begin(60);
  bool same = true, alone = true;
  for (int i = 0; i < 2; i++) rt_list_init(&rows[i].list);
  for (int i = 0; i < ITEMS; i++) {
    rt_list_init(&items[i].link);
    items[i].on = -1;
  }
  for (int i = 0; i < STEPS && same; i++) same = step() && is_same(&rows[0]) && is_same(&rows[1]);
  check("any mixture of append, prepend, remove, take and splice keeps the order", same);

  for (int i = 0; i < ITEMS; i++) {
    rt_list_remove(&items[i].link);
    rt_list_remove(&items[i].link);
    alone = alone && rt_list_is_empty(&items[i].link);
  }
  check("removing what is on no list is harmless", alone);
  check("a list whose elements have all left is empty, and has no first",
        rt_list_is_empty(&rows[0].list) && rt_list_first(&rows[0].list) == NULL &&
            rt_list_take(&rows[1].list) == NULL);
  return check_end();
}
