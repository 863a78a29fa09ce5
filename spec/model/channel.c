/* spec/model/channel.c - model of sync/channel.c, without and with a buffer, and with a bound in
** bytes: senders, receivers, some of which give up, and a close. */
#include "model_worker.h"
#include "sync/channel.h"

enum { VALUES = 3 };

/* The length of a message is its value and its size: the last value takes the room of two. */
enum { UNIT = 8, MAX_BYTES = 2 * UNIT + UNIT - 1 };
static size_t len_of(int value) { return (size_t)(value + UNIT * (value == VALUES - 1 ? 2 : 1)); }
static int value_of(const rt_message *message) { return (int)(message->len % UNIT); }

static const rt_shared_kind kind = {"channel", rt_channel_free, 0, NULL};

static rt_channel *chan;
static worker *sender, *another, *receiver, *hasty;
static bool was_sent[VALUES];
static int received[VALUES];

static void begin_with(size_t capacity, size_t max_bytes) {
  chan = rt_channel_new(&kind, capacity, max_bytes);
  sender = worker_new();
  another = worker_new();
  receiver = worker_new();
  hasty = worker_new();
  memset(was_sent, 0, sizeof was_sent);
  memset(received, 0, sizeof received);
}

static void begin_without_room(void) { begin_with(0, RT_CHANNEL_UNBOUNDED); }
static void begin_with_room(void) { begin_with(1, RT_CHANNEL_UNBOUNDED); }

/* --- operations, as those of lib/sync/channel.c ----------------------------------------------- */
static rt_message *message_of(int value) {
  rt_message *message = rt_message_new();
  message->len = len_of(value);
  return message;
}

/* True: the waiter was called. */
static bool wait(worker *w, rt_waiter *waiter, bool gives_up) {
  if (gives_up) worker_set_deadline(w);
  rt_waiter_park(waiter, &w->task, RT_OP_SEND);
  rt_cause cause = worker_wait(w);
  if (gives_up) worker_forget_deadline(w);
  if (seeded("serves none behind it")) waiter->on_withdraw = NULL;
  bool called = seeded("keeps its waiter") ? cause == RT_FIRED : rt_waiter_withdraw(waiter);
  check(called || gives_up);
  return called;
}

static rt_channel_result send_one(worker *w, int value, bool gives_up) {
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  rt_message *message = message_of(value);
  rt_channel_result answer;
  while ((answer = rt_channel_send(chan, message)) == RT_CHANNEL_WAITS) {
    waiter->message = message;
    if (rt_channel_await_send(chan, waiter)) break;
    waiter->message = NULL;
  }
  if (answer == RT_CHANNEL_WAITS) {
    if (wait(w, waiter, gives_up)) answer = (rt_channel_result)waiter->answer;
  } else if (answer != RT_CHANNEL_DONE) {
    rt_message_drop(message);
  }
  rt_waiter_free(waiter);
  was_sent[value] = answer == RT_CHANNEL_DONE;
  return answer;
}

static rt_channel_result recv_one(worker *w, bool gives_up, int *value) {
  rt_waiter *waiter = rt_waiter_new(&w->driver);
  rt_message *message;
  rt_channel_result answer;
  do answer = rt_channel_recv(chan, &message);
  while (answer == RT_CHANNEL_WAITS && !rt_channel_await_recv(chan, waiter));
  if (answer == RT_CHANNEL_WAITS && wait(w, waiter, gives_up)) {
    answer = (rt_channel_result)waiter->answer;
    message = waiter->message;
    waiter->message = NULL;
  }
  rt_waiter_free(waiter);
  check((answer == RT_CHANNEL_DONE) == (message != NULL));
  if (message == NULL) return answer;
  *value = value_of(message);
  received[*value]++;
  message->len = 0;
  rt_message_drop(message);
  return answer;
}

/* With the first value in the buffer. */
static void begin_with_bytes(void) {
  begin_with(VALUES, MAX_BYTES);
  was_sent[0] = rt_channel_send(chan, message_of(0)) == RT_CHANNEL_DONE;
}

/* --- the fibers ------------------------------------------------------------------------------- */
static void send_two(void) {
  if (send_one(sender, 0, false) == RT_CHANNEL_DONE) send_one(sender, 1, false);
  worker_free(sender);
}

static void send_small(void) {
  send_one(sender, 1, false);
  worker_free(sender);
}

static void send_large_for_a_while(void) {
  send_one(another, 2, true);
  worker_free(another);
}

static void receive_all(void) {
  int value, last = -1;
  while (recv_one(receiver, false, &value) == RT_CHANNEL_DONE) {
    check(value == 2 || value > last); /* the values of one sender are in order */
    if (value != 2) last = value;
  }
  check(rt_channel_is_closed(chan));
  worker_free(receiver);
}

static void receive_for_a_while(void) {
  int value;
  recv_one(hasty, true, &value);
  worker_free(hasty);
}

static void close_it(void) { rt_channel_close(chan); }

static void send_and_close(void) {
  send_one(another, 2, true);
  rt_channel_close(chan);
  worker_free(another);
}

/* Each value that was sent was received once, or is still in the buffer. */
static void end(void) {
  rt_message *message;
  while (rt_channel_recv(chan, &message) == RT_CHANNEL_DONE) {
    received[value_of(message)]++;
    rt_message_drop(message);
  }
  for (int i = 0; i < VALUES; i++) check(received[i] == was_sent[i]);
  rt_shared_drop(&chan->shared);
}

static void end_without_hasty(void) {
  worker_free(hasty);
  end();
}

static void end_without_receivers(void) {
  worker_free(receiver);
  worker_free(hasty);
  check(was_sent[1] || chan->closed);
  end();
}

static void end_without_another(void) {
  worker_free(another);
  end();
}

#define GIVES_UP                                                                     \
  {"a task that gives up did not withdraw its waiter", BUG_OWN, "keeps its waiter"}, \
      {"a waiter were called without the lock", BUG_NOT_LOCKED,                      \
       "sync/channel.c: rt_lock_take(&c->lock)"},                                    \
  {                                                                                  \
    "a ring before the sleep were lost", BUG_BELL_FORGOTTEN, "uv_async_send"         \
  }

static const model models[] = {
    {.says =
         "channel: without room, a value is sent if and only if it is received, by one receiver, "
         "though others give up and it is closed",
     .begin = begin_without_room,
     .fibers = {{"sender", send_two}, {"receiver", receive_all}, {"another", send_and_close}},
     .end = end_without_hasty,
     .bugs = {GIVES_UP}},
    {.says = "channel: the same with room for one",
     .begin = begin_with_room,
     .fibers = {{"sender", send_two}, {"receiver", receive_all}, {"another", send_and_close}},
     .end = end_without_hasty,
     .bugs = {GIVES_UP}},
    {.says = "channel: a receiver that gives up takes no value with it",
     .begin = begin_with_room,
     .fibers = {{"sender", send_two},
                {"receiver", receive_all},
                {"hasty", receive_for_a_while},
                {"closer", close_it}},
     .end = end_without_another,
     .bugs = {GIVES_UP}},
    {.says = "channel: with a bound in bytes, a value is sent if and only if it is received",
     .begin = begin_with_bytes,
     .fibers = {{"sender", send_small}, {"receiver", receive_all}, {"another", send_and_close}},
     .end = end_without_hasty,
     .bugs = {GIVES_UP}},
    {.says = "channel: a sender of a large value that gives up lets the one behind it go on",
     .begin = begin_with_bytes,
     .fibers = {{"sender", send_small}, {"another", send_large_for_a_while}},
     .end = end_without_receivers,
     .bugs = {{"the one behind it were not served", BUG_OWN, "serves none behind it"}}},
};

EXPLORE(models)
