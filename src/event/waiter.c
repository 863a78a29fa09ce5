#include "event/waiter.h"

enum { SPARE = RT_SIZE(64, 2) };

static void put_away(rt_ticket *t) {
  rt_driver *d = t->home;
  if (d->spares < SPARE) {
    rt_list_append(&d->spare_tickets, &t->held);
    d->spares++;
  } else {
    rt_free(t);
  }
}

/* The post has come home. */
static void deliver(rt_post *p, void *driver) {
  rt_ticket *t = rt_containerof(p, rt_ticket, post);
  t->delivered = true;
  if (t->torn) {
    put_away(t);
    return;
  }
  if (t->on_call) {
    t->on_call(t);
    return;
  }
  rt_list *l = rt_list_first(&t->waiter);
  if (l) rt_driver_wake(driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

rt_ticket *rt_ticket_draw(rt_driver *home) {
  rt_list *l = rt_list_take(&home->spare_tickets);
  rt_ticket *t = l ? rt_containerof(l, rt_ticket, held) : rt_malloc(sizeof *t);
  if (t == NULL) return NULL;
  if (l) home->spares--;
  memset(t, 0, sizeof *t);
  t->home = home;
  t->post.deliver = deliver;
  rt_list_init(&t->waiter);
  rt_list_init(&t->link);
  rt_list_init(&t->held);
  rt_list_append(&home->tickets, &t->held);
  return t;
}

void rt_ticket_queue(rt_ticket *t, rt_list *queue, rt_lock *lock) {
  t->lock = lock;
  rt_list_append(queue, &t->link);
}

bool rt_ticket_seize(rt_ticket *t) { return t->claim == NULL || !rt_swap(&t->claim->taken, true); }

rt_ticket *rt_ticket_first(rt_list *queue) {
  rt_list *l;
  while ((l = rt_list_first(queue)) != NULL) {
    rt_ticket *t = rt_containerof(l, rt_ticket, link);
    if (t->claim == NULL || !rt_load(&t->claim->taken)) return t;
    rt_list_remove(l);
  }
  return NULL;
}

rt_ticket *rt_ticket_next(rt_list *queue, const rt_claim *except) {
  rt_list *l = queue->next;
  while (l != queue) {
    rt_ticket *t = rt_containerof(l, rt_ticket, link);
    l = l->next;
    if (t->claim != NULL && t->claim == except) continue;
    if (rt_ticket_seize(t)) return t;
    rt_list_remove(&t->link);
  }
  return NULL;
}

bool rt_ticket_any(const rt_list *queue, const rt_claim *except) {
  for (rt_list *l = queue->next; l != queue; l = l->next) {
    rt_ticket *t = rt_containerof(l, rt_ticket, link);
    if (t->claim == NULL || (t->claim != except && !rt_load(&t->claim->taken))) return true;
  }
  return false;
}

void rt_ticket_call_all(rt_list *queue, int answer) {
  rt_ticket *t;
  while ((t = rt_ticket_next(queue, NULL)) != NULL) rt_ticket_call(t, answer);
}

void rt_ticket_call(rt_ticket *t, int answer) {
  rt_list_remove(&t->link);
  t->called = true;
  t->answer = answer;
  rt_mailbox_post(&t->home->mailbox, &t->post);
}

bool rt_ticket_withdraw(rt_ticket *t) {
  if (t->delivered || t->lock == NULL) return t->called;
  rt_lock *lock = t->lock;
  rt_lock_take(lock);
  rt_list_remove(&t->link);
  bool called = t->called;
  if (!called && t->on_leave) t->on_leave(t);
  t->lock = NULL;
  rt_lock_give(lock);
  return called;
}

void rt_ticket_call_off(rt_task *task) {
  rt_claim *claim = task->on;
  if (task->on_what == RT_ON_TICKET)
    rt_ticket_withdraw(task->on);
  else if (task->on_what == RT_ON_CLAIM)
    rt_swap(&claim->taken, true);
}

void rt_ticket_withdraw_all(rt_driver *d) {
  for (rt_list *l = d->tickets.next; l != &d->tickets; l = l->next)
    rt_ticket_withdraw(rt_containerof(l, rt_ticket, held));
}

void rt_ticket_tear(rt_ticket *t) {
  if (t->packet) rt_packet_drop(t->packet);
  t->packet = NULL;
  rt_list_remove(&t->held);
  rt_list_remove(&t->waiter);
  if (t->called && !t->delivered)
    t->torn = true;
  else
    put_away(t);
}

void rt_ticket_tear_all(rt_driver *d) {
  rt_list *l;
  while ((l = rt_list_first(&d->tickets)) != NULL) {
    rt_ticket *t = rt_containerof(l, rt_ticket, held);
    rt_ticket_withdraw(t);
    rt_ticket_tear(t);
  }
  rt_mailbox_drain(&d->mailbox); /* those that were called and are torn come home */
  while ((l = rt_list_take(&d->spare_tickets)) != NULL) rt_free(rt_containerof(l, rt_ticket, held));
  d->spares = 0;
}
