/* spec/ground/channel.c - channels and waiters between threads: no message is lost, doubled or
** overtaken, however often waiting tasks give up. */
#include "check.h"
#include "sync/channel.h"

enum { PAIRS = 3, MESSAGES = 60000 };

static const rt_shared_kind kind = {"channel", rt_channel_free, 0, NULL};

/* One task of one worker, which is this thread. */
typedef struct party {
  rt_thread thread;
  rt_channel *chan;
  int number;
  rt_random random;
  rt_driver driver;
  rt_task task;
  uint64_t passed, given_up;
  bool in_order;
  uint64_t last[PAIRS]; /* the last number that was received, by sender */
} party;

static void run(rt_driver *d, rt_task *t) { (void)d, (void)t; }

static rt_message *new_message(int sender, uint64_t number) {
  rt_message *message = rt_message_new();
  must("there is a message", message != NULL && message->cap >= 2 * sizeof number);
  uint64_t words[2] = {(uint64_t)sender, number};
  memcpy(message->bytes, words, sizeof words);
  message->len = sizeof words;
  return message;
}

static bool is_ready(party *me) {
  rt_task *t = rt_ready_take(&me->driver.ready);
  if (t == NULL) {
    rt_ready_flip(&me->driver.ready);
    t = rt_ready_take(&me->driver.ready);
  }
  return t != NULL;
}

/* Parks until the waiter is called, or (one time in four) gives up after a moment. True: it was
** called. */
static bool wait(party *me, rt_waiter *waiter) {
  uint64_t r = rt_random_next(&me->random);
  rt_waiter_park(waiter, &me->task, RT_OP_RECEIVE);
  if (r % 4 != 0) {
    while (!is_ready(me)) rt_driver_park(&me->driver);
  } else {
    bool ready = false;
    for (uint64_t i = r >> 32 & 7; i > 0 && !ready; i--) {
      rt_driver_poll(&me->driver);
      ready = is_ready(me);
    }
    if (!ready) {
      rt_driver_wake(&me->driver, &me->task, RT_WITHDRAWN);
      is_ready(me);
    }
  }
  return rt_waiter_withdraw(waiter);
}

/* (One thread initializes and closes all drivers: libuv closes descriptors with a system call that
** the thread sanitizer does not see, so it would report a race when another thread uses the
** descriptor's number next.) */
static void begin(party *me) {
  must("a driver starts", rt_driver_init(&me->driver, run) == 0);
  rt_task_init(&me->task, 1);
  me->task.phase = RT_RUNNING;
}

static void end(party *me) {
  rt_waiter_free_all(&me->driver);
  rt_driver_close(&me->driver);
}

static void send_all(void *arg) {
  party *me = arg;
  while (me->passed < MANY(MESSAGES)) {
    rt_message *message = new_message(me->number, me->passed + 1);
    rt_waiter *waiter = rt_waiter_new(&me->driver);
    rt_channel_result answer;
    while ((answer = rt_channel_send(me->chan, message)) == RT_CHANNEL_WAITS) {
      waiter->message = message;
      if (rt_channel_await_send(me->chan, waiter)) break;
      waiter->message = NULL;
    }
    if (answer == RT_CHANNEL_WAITS && !wait(me, waiter)) {
      me->given_up++;
    } else {
      me->passed++;
    }
    rt_waiter_free(waiter);
    if (rt_random_next(&me->random) % 512 == 0) usleep(50);
  }
}

static void note_message(party *me, rt_message *message) {
  uint64_t words[2];
  memcpy(words, message->bytes, sizeof words);
  if (words[1] <= me->last[words[0]]) me->in_order = false;
  me->last[words[0]] = words[1];
  me->passed++;
  rt_message_drop(message);
}

static void receive_all(void *arg) {
  party *me = arg;
  rt_channel_result answer = RT_CHANNEL_DONE;
  while (answer != RT_CHANNEL_CLOSED) {
    rt_message *message = NULL;
    rt_waiter *waiter = rt_waiter_new(&me->driver);
    do answer = rt_channel_recv(me->chan, &message);
    while (answer == RT_CHANNEL_WAITS && !rt_channel_await_recv(me->chan, waiter));
    if (answer == RT_CHANNEL_WAITS) {
      if (wait(me, waiter)) {
        answer = (rt_channel_result)waiter->answer;
        message = waiter->message;
        waiter->message = NULL;
      } else {
        me->given_up++;
      }
    }
    rt_waiter_free(waiter);
    if (message) note_message(me, message);
    if (rt_random_next(&me->random) % 512 == 0) usleep(50);
  }
}

static void finish(party *me) {
  rt_thread_join(me->thread);
  end(me);
}

static void start(party *me, rt_channel *c, int number, void (*f)(void *)) {
  *me = (party){.chan = c, .number = number, .in_order = true};
  me->random.state = rt_random_next(&check_random);
  begin(me);
  must("a thread starts", rt_thread_start(&me->thread, 1 << 20, f, me) == 0);
}

static void check_capacity(size_t capacity) {
  static party senders[PAIRS], receivers[PAIRS];
  uint64_t sent = 0, received = 0, given_up = 0;
  bool in_order = true, bounded = true;
  rt_channel *c = rt_channel_new(&kind, capacity, RT_CHANNEL_UNBOUNDED);
  must("there is a channel", c != NULL);
  for (int i = 0; i < PAIRS; i++) {
    start(&senders[i], c, i, send_all);
    start(&receivers[i], c, i, receive_all);
  }
  for (int i = 0; i < 100; i++, usleep(100)) bounded = bounded && rt_channel_count(c) <= capacity;
  for (int i = 0; i < PAIRS; i++) finish(&senders[i]);
  rt_channel_close(c);
  for (int i = 0; i < PAIRS; i++) {
    finish(&receivers[i]);
    sent += senders[i].passed;
    received += receivers[i].passed;
    given_up += senders[i].given_up + receivers[i].given_up;
    in_order = in_order && receivers[i].in_order;
  }
  printf("# capacity %zu: %llu sent, %llu times given up\n", capacity, (unsigned long long)sent,
         (unsigned long long)given_up);
  check("what was sent, and no more, was received", sent == received);
  check("no receiver sees the messages of one sender out of order", in_order);
  check("no more is buffered than there is room for", bounded && rt_channel_count(c) == 0);
  check("nobody waits in the end",
        rt_list_is_empty(&c->senders) && rt_list_is_empty(&c->receivers));
  rt_shared_drop(&c->shared);
}

/* Closed in the middle: each operation that returns has the right result. */
static void check_close(void) {
  static party senders[PAIRS], receivers[PAIRS];
  bool in_order = true;
  for (int round = 0; round < 100; round++) {
    rt_channel *c = rt_channel_new(&kind, (size_t)round % 3, RT_CHANNEL_UNBOUNDED);
    must("there is a channel", c != NULL);
    for (int i = 0; i < PAIRS; i++) start(&receivers[i], c, i, receive_all);
    party *me = &senders[0];
    *me = (party){.chan = c};
    begin(me);
    uint64_t sent = 0, received = 0;
    for (uint64_t n = below(64); n > 0; n--) {
      rt_message *message = new_message(0, sent + 1);
      if (rt_channel_send(c, message) == RT_CHANNEL_DONE)
        sent++;
      else
        rt_message_drop(message);
    }
    rt_channel_close(c);
    rt_message *message = new_message(0, sent + 1);
    in_order = in_order && rt_channel_send(c, message) == RT_CHANNEL_CLOSED;
    rt_message_drop(message);
    end(me);
    for (int i = 0; i < PAIRS; i++) {
      finish(&receivers[i]);
      received += receivers[i].passed;
    }
    in_order = in_order && sent == received;
    rt_shared_drop(&c->shared);
  }
  check("what was sent before a close arrives, and nothing else", in_order);
}

int main(void) {
  check_begin(240);
  check_capacity(0);
  check_capacity(1);
  check_capacity(7);
  check_close();
#if RT_DEBUG
  check("nothing is leaked", rt_alloc_blocks() == 0);
#endif
  return check_end();
}
