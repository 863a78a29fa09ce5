/* spec/model/select.c - model of lib/operation.c and lib/task/select.c on channels: attempts,
** arming, withdrawing; exactly one of several operations is done. */
#include "model_worker.h"
#include "sync/channel.h"

enum { BRANCHES = 2, VALUES = 4 };

static const rt_shared_kind kind = {"channel", rt_channel_free, 0, NULL};

typedef struct branch {
  rt_channel *chan;
  int sends; /* the value; -1: the branch receives */
  rt_waiter *waiter;
} branch;

typedef struct selector {
  worker *worker;
  rt_claim claim;
  rt_list waiter;
  bool did_while_arming;
  branch branches[BRANCHES];
} selector;

static rt_channel *a, *b;
static worker *workers[3];
static int sent[VALUES], received[VALUES];

static void begin_with(size_t capacity) {
  a = rt_channel_new(&kind, capacity, RT_CHANNEL_UNBOUNDED);
  b = rt_channel_new(&kind, capacity, RT_CHANNEL_UNBOUNDED);
  for (int i = 0; i < 3; i++) workers[i] = worker_new();
  memset(sent, 0, sizeof sent);
  memset(received, 0, sizeof received);
}

static void begin_without_room(void) { begin_with(0); }
static void begin_with_room(void) { begin_with(1); }

/* --- one operation ---------------------------------------------------------------------------- */
static rt_message *message_of(int value) {
  rt_message *message = rt_message_new();
  message->len = (size_t)value;
  return message;
}

static void take(rt_message *message) {
  received[message->len]++;
  message->len = 0;
  rt_message_drop(message);
}

static bool attempt_send(branch *o) {
  rt_message *message = message_of(o->sends);
  bool done = rt_channel_send(o->chan, message) == RT_CHANNEL_DONE;
  if (done)
    sent[o->sends]++;
  else
    rt_message_drop(message);
  return done;
}

static bool attempt(branch *o) {
  rt_message *message;
  if (o->sends >= 0) return attempt_send(o);
  bool done = rt_channel_recv(o->chan, &message) == RT_CHANNEL_DONE;
  if (done) take(message);
  return done;
}

static bool arm(branch *o) {
  if (o->sends < 0) return rt_channel_await_recv(o->chan, o->waiter);
  if (o->waiter->message == NULL) o->waiter->message = message_of(o->sends);
  return rt_channel_await_send(o->chan, o->waiter);
}

static void finish(branch *o) {
  if (o->sends >= 0) {
    sent[o->sends]++;
  } else {
    take(o->waiter->message);
    o->waiter->message = NULL;
  }
}

/* --- the select ------------------------------------------------------------------------------- */
static void on_call(rt_waiter *waiter) {
  selector *s = waiter->owner;
  rt_list *l = rt_list_first(&s->waiter);
  if (l) rt_driver_wake(&s->worker->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static void open_select(selector *s) {
  rt_list_init(&s->waiter);
  for (int i = 0; i < BRANCHES; i++) {
    rt_waiter *waiter = s->branches[i].waiter = rt_waiter_new(&s->worker->driver);
    waiter->claim = seeded("no claim") ? NULL : &s->claim;
    waiter->owner = s;
    waiter->on_call = on_call;
  }
}

static void close_select(selector *s) {
  for (int i = 0; i < BRANCHES; i++) rt_waiter_free(s->branches[i].waiter);
}

static bool arm_all(selector *s) {
  rt_store(&s->claim.taken, false);
  for (int i = 0; i < BRANCHES; i++) {
    if (arm(&s->branches[i])) continue;
    s->did_while_arming = seeded("does one while arming") && attempt(&s->branches[i]);
    return false;
  }
  return true;
}

static branch *withdraw_all(selector *s) {
  branch *called = NULL;
  for (int i = 0; i < BRANCHES; i++) {
    if (!rt_waiter_withdraw(s->branches[i].waiter)) continue;
    check(called == NULL);
    called = &s->branches[i];
  }
  return called;
}

static bool attempt_any(selector *s) {
  for (int i = 0; i < BRANCHES; i++)
    if (attempt(&s->branches[i])) return true;
  return false;
}

static bool select_one(worker *w, branch first, branch second) {
  selector s = {.worker = w, .branches = {first, second}};
  bool done = false;
  open_select(&s);
  while (!done && !(done = attempt_any(&s))) {
    if (arm_all(&s) || seeded("waits anyway")) {
      rt_task_park(&w->task, RT_OP_SELECT, &s, &s.waiter);
      worker_wait(w);
    }
    branch *called = withdraw_all(&s);
    if (called) finish(called);
    done = called || s.did_while_arming;
  }
  close_select(&s);
  return done;
}

/* --- the fibers ------------------------------------------------------------------------------- */
static branch recv_from(rt_channel *c) { return (branch){c, -1, NULL}; }
static branch send_to(rt_channel *c, int value) { return (branch){c, value, NULL}; }

/* WAITS: the waiter is in the queue. */
static rt_channel_result send_or_queue(rt_channel *c, rt_message *message, rt_waiter *waiter) {
  rt_channel_result answer;
  while ((answer = rt_channel_send(c, message)) == RT_CHANNEL_WAITS) {
    waiter->message = message;
    if (rt_channel_await_send(c, waiter)) break;
    waiter->message = NULL;
  }
  return answer;
}

static void send_for_a_while(worker *w, rt_channel *c, int value) {
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  rt_channel_result answer = send_or_queue(c, message_of(value), waiter);
  if (answer == RT_CHANNEL_WAITS) {
    worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_SEND);
    worker_wait(w);
    worker_forget_deadline(w);
    if (rt_waiter_withdraw(waiter)) answer = (rt_channel_result)waiter->answer;
  }
  rt_waiter_free(waiter);
  sent[value] += answer == RT_CHANNEL_DONE;
}

static void select_both(void) {
  check(select_one(workers[0], recv_from(a), recv_from(b)));
  check(received[0] + received[1] == 1);
  worker_free(workers[0]);
}

/* (One sender must not give up before the select is done, or the select would wait for ever.) */
static void send_to_a(void) {
  rt_waiter *waiter = rt_waiter_new(&workers[1]->driver);
  rt_channel_result answer = send_or_queue(a, message_of(0), waiter);
  sent[0] += answer == RT_CHANNEL_DONE;
  while (answer == RT_CHANNEL_WAITS && received[0] + received[1] == 0) rt_thread_yield();
  if (answer == RT_CHANNEL_WAITS) sent[0] += rt_waiter_withdraw(waiter);
  rt_waiter_free(waiter);
  worker_free(workers[1]);
}

static void send_to_b(void) {
  send_for_a_while(workers[2], b, 1);
  worker_free(workers[2]);
}

/* Each select offers on one channel what the other one wants, and wants on the other channel what
** the other one offers: they meet on exactly one. */
static bool met[2];

static void meet(int me, branch first, branch second) {
  met[me] = select_one(workers[me], first, second);
  worker_free(workers[me]);
}

static void meet_0(void) { meet(0, send_to(a, 0), recv_from(b)); }
static void meet_1(void) { meet(1, send_to(b, 1), recv_from(a)); }

/* --- afterwards ------------------------------------------------------------------------------- */
static void drain(rt_channel *c) {
  rt_message *message;
  while (rt_channel_recv(c, &message) == RT_CHANNEL_DONE) take(message);
  check(rt_list_is_empty(&c->senders) && rt_list_is_empty(&c->receivers));
  rt_shared_drop(&c->shared);
}

static void check_all(void) {
  drain(a);
  drain(b);
  for (int i = 0; i < VALUES; i++) check(sent[i] == received[i] && sent[i] <= 1);
}

static void end(void) { check_all(); }

static void end_met(void) {
  check(met[0] && met[1] && sent[0] + sent[1] == 1);
  worker_free(workers[2]);
  check_all();
}

static const model models[] = {
    {.says = "select: of two channels one value is received, and the other stays where it is",
     .begin = begin_without_room,
     .fibers = {{"select", select_both}, {"to a", send_to_a}, {"to b", send_to_b}},
     .end = end,
     .bugs = {{"each of its waiters could be called", BUG_OWN, "no claim"},
              {"two threads could claim it", BUG_NOT_ATOMIC, "rt_swap(&waiter->claim->taken)"},
              {"the select waited although an operation could be done", BUG_OWN, "waits anyway"},
              {"an operation were done while the others are armed", BUG_OWN,
               "does one while arming"}}},
    {.says = "select: the same where there is room",
     .begin = begin_with_room,
     .fibers = {{"select", select_both}, {"to a", send_to_a}, {"to b", send_to_b}},
     .end = end,
     .bugs = {{"two threads could claim it", BUG_NOT_ATOMIC, "rt_swap(&waiter->claim->taken)"}}},
    {.says = "select: two selects that offer each other the same two exchanges meet in one of them",
     .begin = begin_without_room,
     .fibers = {{"select 0", meet_0}, {"select 1", meet_1}},
     .end = end_met,
     .bugs = {{"the select waited although an operation could be done", BUG_OWN, "waits anyway"}}},
};

EXPLORE(models)
