/* Posting against blocking: why no wake-up is lost.
**
** 'newest' is NULL (no post, the reader is awake), &mark (no post, the reader sleeps or is about to
** block), or the newest post, whose 'next' leads to the older ones.
**
** A poster does this:
**
** P1. With one compare-and-swap it makes its post the newest one, and learns what was there.
** P2. If that was the mark, it rings the bell, and then adds 1 to 'rings'. Else it is done.
**
** A reader that wants to block does this:
**
** R1. It changes 'newest' from NULL to the mark. If that fails there is a post, and it does not
**     block.
** R2. It blocks until the bell rings (or until a timer or a libuv handle wakes it).
** R3. It changes 'newest' from the mark to NULL. If that fails, a poster has found the mark: the
**     reader adds 1 to rings_due.
** R4. It takes all posts, with one swap, and delivers them.
**
** No post is overlooked: P1 and R1 change the same word, so one of them is first. If P1 is first,
** R1 fails. If R1 is first, the first poster after it finds the mark and rings. The bell does not
** forget: a bell that rings before R2 keeps R2 from blocking (uv_async_send).
**
** In R2, libuv may call functions that run tasks, and a task may drain the mailbox (run/preempt.c).
** Then the mark is gone, and the next poster does not ring. That is harmless: uv_run blocks once at
** most, and it has been woken.
**
** A reader that is awake is not rung for, as there is no mark. A reader that sleeps is rung for
** once: only the first poster after R1 finds the mark.
**
** When the mailbox can be freed: a poster that does not find the mark does not use the mailbox
** after P1. One that finds it uses the mailbox until it has added 1 to 'rings'. The reader knows by
** rings_due how many such posters there are, and waits for them in rt_mailbox_close.
**
** Weaker orders: the relaxed load in rt_mailbox_post is only a guess, which the compare-and-swap
** confirms. The relaxed load in rt_mailbox_drain may miss a post that another thread has just made.
** Then the post counts as one that comes after this drain; a reader that wants to block finds it in
** R1.
**
** spec/model/mailbox.c checks this in all schedules.
*/
#include "event/mailbox.h"

void rt_mailbox_init(rt_mailbox *m, void (*ring)(void *), void *reader) {
  m->ring = ring;
  m->reader = reader;
  m->mark = (rt_post){NULL, NULL};
  m->asleep = false;
  m->rings_due = 0;
  rt_atomic_init(&m->newest, NULL);
  rt_atomic_init(&m->rings, 0);
}

void rt_mailbox_close(rt_mailbox *m) {
  while (rt_load(&m->rings) != m->rings_due) rt_thread_yield();
}

/* (Relaxed: see "Weaker orders" above.) */
void rt_mailbox_post(rt_mailbox *m, rt_post *p) {
  rt_post *before = rt_load_relaxed(&m->newest), *mark = &m->mark;
  do p->next = before == mark ? NULL : before;
  while (!rt_cas(&m->newest, &before, p));
  if (before != mark) return; /* from here on the mailbox may be freed */
  rt_chaos_delay();
  m->ring(m->reader);
  rt_add(&m->rings, 1);
}

static rt_post *reverse(rt_post *p) {
  rt_post *reversed = NULL;
  while (p) {
    rt_post *next = p->next;
    p->next = reversed;
    reversed = p;
    p = next;
  }
  return reversed;
}

/* (Relaxed: see "Weaker orders" above.) */
int rt_mailbox_drain(rt_mailbox *m) {
  rt_post *newest = rt_load_relaxed(&m->newest);
  if (newest == NULL || newest == &m->mark) return 0;
  int n = 0;
  rt_post *p = reverse(rt_swap(&m->newest, NULL));
  while (p) {
    rt_post *next = p->next; /* before the post is delivered: after that it may be freed */
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

void rt_mailbox_wake(rt_mailbox *m) {
  rt_post *mark = &m->mark;
  if (m->asleep && !rt_cas(&m->newest, &mark, NULL)) m->rings_due++;
  m->asleep = false;
}

bool rt_mailbox_is_asleep(rt_mailbox *m) { return rt_load(&m->newest) == &m->mark; }
