#include "mailbox.h"

void rt_mailbox_init(rt_mailbox *m, void (*ring)(void *), void *reader) {
  m->ring = ring;
  m->reader = reader;
  atomic_init(&m->newest, NULL);
  atomic_init(&m->asleep, false);
}

void rt_mailbox_post(rt_mailbox *m, rt_post *p) {
  rt_post *before = rt_load_relaxed(&m->newest);
  do p->next = before;
  while (!rt_cas(&m->newest, &before, p));
  /* after the post; see rt_mailbox_sleep */
  if (rt_load(&m->asleep) && rt_swap(&m->asleep, false)) m->ring(m->reader);
}

/* The list is newest first; turn it round. */
static rt_post *oldest_first(rt_post *p) {
  rt_post *turned = NULL;
  while (p) {
    rt_post *next = p->next;
    p->next = turned;
    turned = p;
    p = next;
  }
  return turned;
}

int rt_mailbox_drain(rt_mailbox *m) {
  if (rt_load_relaxed(&m->newest) == NULL) return 0;
  int n = 0;
  rt_post *p = oldest_first(rt_swap(&m->newest, NULL));
  while (p) {
    rt_post *next = p->next; /* delivered, it belongs to somebody else */
    p->deliver(p, m->reader);
    p = next;
    n++;
  }
  return n;
}

bool rt_mailbox_sleep(rt_mailbox *m) {
  rt_store(&m->asleep, true);
  /* after the announcement; see rt_mailbox_post */
  if (rt_load(&m->newest) == NULL) return true;
  rt_store(&m->asleep, false);
  return false;
}

void rt_mailbox_wake(rt_mailbox *m) { rt_store_relaxed(&m->asleep, false); }
