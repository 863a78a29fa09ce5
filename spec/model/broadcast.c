/* spec/model/broadcast.c - model of sync/broadcast.c: each receiver gets all messages in order, or
** gets the number that it has lost. */
#include "model_worker.h"
#include "sync/broadcast.h"

enum { MESSAGES = 3, ROOM = 2 };

static const rt_shared_kind broadcast_kind = {"broadcast", rt_broadcast_free, 0, NULL};
static const rt_shared_kind receiver_kind = {"receiver", rt_receiver_free, 0, NULL};

static rt_broadcast *broadcast;
static rt_receiver *receivers[2];
static worker *workers[2];

static void begin_with(bool latest) {
  broadcast = rt_broadcast_new(&broadcast_kind, latest ? 1 : ROOM, latest);
  for (int i = 0; i < 2; i++) {
    receivers[i] = rt_receiver_new(&receiver_kind, broadcast, RT_BROADCAST_NOW);
    workers[i] = worker_new();
  }
}

static void begin(void) { begin_with(false); }
static void begin_latest(void) { begin_with(true); }

static void send_all(void) {
  for (int i = 0; i < MESSAGES; i++) {
    rt_message *message = rt_message_new();
    message->len = (size_t)i;
    if (!rt_broadcast_send(broadcast, message)) rt_message_drop(message);
  }
  rt_broadcast_close(broadcast);
}

/* Returns the number of the message; -1: closed; -2: the wait was given up. *lost: how many
** messages were lost before it. */
static int receive(int me, bool gives_up, int *lost) {
  worker *w = workers[me];
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  rt_message *message;
  uint64_t n = 0;
  int number = -1;
  rt_broadcast_result answer;
  do answer = rt_receiver_recv(receivers[me], &message, &n);
  while (answer == RT_BROADCAST_WAITS && !rt_receiver_await(receivers[me], waiter));
  if (answer == RT_BROADCAST_WAITS) {
    if (gives_up) worker_set_deadline(w);
    rt_waiter_park(waiter, &w->task, RT_OP_CHANGE);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    bool called = rt_waiter_withdraw(waiter);
    check(called || gives_up);
    if (!called || (seeded("keeps its waiter") && cause != RT_FIRED)) number = -2;
    message = waiter->message;
    waiter->message = NULL;
  }
  rt_waiter_free(waiter);
  *lost += (int)n;
  if (answer == RT_BROADCAST_LAGGED) return receive(me, gives_up, lost);
  if (message && number != -2) number = (int)message->len;
  if (message) rt_message_drop(message);
  return number;
}

/* The messages that it got and those that it lost are all messages, in order. */
static void read_all(int me, bool gives_up) {
  int next = 0, message, tries = 0;
  do {
    int lost = 0;
    message = receive(me, gives_up && tries++ == 0, &lost);
    if (message >= 0) {
      check(broadcast->latest ? message >= next : message == next + lost);
      next = message + 1;
    }
  } while (message != -1);
  check(next == MESSAGES);
  worker_free(workers[me]);
  rt_shared_drop(&receivers[me]->shared);
}

static void read_0(void) { read_all(0, false); }
static void read_1(void) { read_all(1, true); }

/* As watch:changed(version): the number of the message, or -1. */
static int changed(uint64_t version) {
  int lost = 0;
  uint64_t next = seeded("forgets the version") ? RT_BROADCAST_NOW : version;
  receivers[1] = rt_receiver_new(&receiver_kind, broadcast, next);
  int message = receive(1, false, &lost);
  rt_shared_drop(&receivers[1]->shared);
  return message;
}

/* A task that has seen the last message when the broadcast is closed. */
static void follow(void) {
  rt_shared_drop(&receivers[1]->shared);
  int seen;
  uint64_t version;
  do {
    version = rt_broadcast_sent(broadcast);
    rt_message *message = rt_broadcast_last(broadcast);
    seen = message ? (int)message->len : -1;
    if (message) rt_message_drop(message);
  } while (changed(version) >= 0);
  check(seen == MESSAGES - 1);
  worker_free(workers[1]);
}

static void end(void) { rt_shared_drop(&broadcast->shared); }

static const model models[] = {
    {.says = "broadcast: every receiver gets every message, in order, or the number that it lost",
     .begin = begin,
     .fibers = {{"sender", send_all}, {"reader", read_0}, {"gives up", read_1}},
     .end = end,
     .bugs = {{"a task that gives up did not withdraw its waiter", BUG_OWN, "keeps its waiter"},
              {"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "broadcast: where only the latest counts, every receiver ends with that",
     .begin = begin_latest,
     .fibers = {{"sender", send_all}, {"reader", read_0}, {"gives up", read_1}},
     .end = end,
     .bugs = {{"a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"}}},
    {.says = "broadcast: a task that waits for what is newer than a version misses nothing",
     .begin = begin_latest,
     .fibers = {{"sender", send_all}, {"reader", read_0}, {"follower", follow}},
     .end = end,
     .bugs = {{"the version did not count", BUG_OWN, "forgets the version"}}},
};

EXPLORE(models)
