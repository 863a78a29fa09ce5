#include "event/mailbox.h"

void rt_mailbox_init(rt_mailbox *m, void (*ring)(void *), void *reader) {
  m->ring = ring;
  m->reader = reader;
  m->mark = (rt_post){NULL, NULL};
  m->asleep = false;
  m->owed = 0;
  rt_atomic_init(&m->newest, NULL);
  rt_atomic_init(&m->rung, 0);
}

void rt_mailbox_close(rt_mailbox *m) {
  while (rt_load(&m->rung) != m->owed) rt_thread_yield();
}

void rt_mailbox_post(rt_mailbox *m, rt_post *p) {
  rt_post *before = rt_load_relaxed(&m->newest), *mark = &m->mark;
  do p->next = before == mark ? NULL : before;
  while (!rt_cas(&m->newest, &before, p));
  if (before != mark) return; /* and the mailbox may be gone */
  rt_chaos_delay();
  m->ring(m->reader);
  rt_add(&m->rung, 1);
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
  rt_post *newest = rt_load_relaxed(&m->newest);
  if (newest == NULL || newest == &m->mark) return 0; /* (a task may run while it "sleeps") */
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
  rt_post *none = NULL;
  m->asleep = rt_cas(&m->newest, &none, &m->mark);
  return m->asleep;
}

bool rt_mailbox_is_quiet(rt_mailbox *m) { return rt_load(&m->newest) == &m->mark; }

void rt_mailbox_wake(rt_mailbox *m) {
  rt_post *mark = &m->mark;
  if (m->asleep && !rt_cas(&m->newest, &mark, NULL)) m->owed++;
  m->asleep = false;
}
