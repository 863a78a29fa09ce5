/* feed.c - messages for everybody who listens: each reader gets each, in order, or hears what it lost. */
#include "sync/broadcast.h"
#include "model_worker.h"

enum { MESSAGES = 3, ROOM = 2 };

static const rt_thing_kind feed_kind = {"feed", rt_feed_free, 0};
static const rt_thing_kind reader_kind = {"reader", rt_reader_free, 0};

static rt_feed *feed;
static rt_reader *readers[2];
static worker *workers[2];

static void begin_with(bool latest) {
  feed = rt_feed_new(&feed_kind, latest ? 1 : ROOM, latest);
  for (int i = 0; i < 2; i++) {
    readers[i] = rt_reader_new(&reader_kind, feed);
    workers[i] = worker_new();
  }
}

static void begin(void) { begin_with(false); }
static void begin_latest(void) { begin_with(true); }

static void send_all(void) {
  for (int i = 0; i < MESSAGES; i++) {
    rt_packet *p = rt_packet_new();
    p->len = (size_t)i;
    if (!rt_feed_send(feed, p)) rt_packet_drop(p);
  }
  rt_feed_close(feed);
}

/* The number of the message; -1: closed; -2: it gave up.  *lost: how many were, before it */
static int receive(int me, bool gives_up, int *lost) {
  worker *w = workers[me];
  rt_ticket *t = rt_ticket_draw(&w->driver);
  rt_packet *p;
  uint64_t n = 0;
  int message = -1;
  rt_feed_answer answer = rt_reader_recv(readers[me], &p, &n, t);
  if (answer == RT_FEED_WAITS) {
    if (gives_up) worker_set_deadline(w);
    rt_ticket_park(t, &w->task, RT_OP_CHANGE);
    rt_cause cause = worker_wait(w);
    if (gives_up) worker_forget_deadline(w);
    bool called = rt_ticket_withdraw(t);
    check(called || gives_up);
    if (!called || (seeded("careless") && cause != RT_FIRED)) message = -2;
    p = t->packet;
    t->packet = NULL;
  }
  rt_ticket_tear(t);
  *lost += (int)n;
  if (answer == RT_FEED_LAGS) return receive(me, gives_up, lost);
  if (p && message != -2) message = (int)p->len;
  if (p) rt_packet_drop(p);
  return message;
}

/* All that it got and all that it lost, in order, are all that there were. */
static void read_all(int me, bool gives_up) {
  int next = 0, message, tries = 0;
  do {
    int lost = 0;
    message = receive(me, gives_up && tries++ == 0, &lost);
    if (message >= 0) {
      check(feed->latest ? message >= next : message == next + lost);
      next = message + 1;
    }
  } while (message != -1);
  check(next == MESSAGES);
  worker_free(workers[me]);
  rt_thing_drop(&readers[me]->thing);
}

static void read_0(void) { read_all(0, false); }
static void read_1(void) { read_all(1, true); }

static void end(void) { rt_thing_drop(&feed->thing); }

static const model models[] = {
    {.says = "feed: every reader gets every message, in order, or hears how many it lost",
     .begin = begin,
     .fibers = {{"sender", send_all}, {"reader", read_0}, {"gives up", read_1}},
     .end = end,
     .bugs = {{"who gives up did not ask whether it was called", OWN, "careless"},
              {"the bell were not heard before one sleeps", DEAF, "uv_async_send"}}},
    {.says = "feed: where only the latest counts, every reader ends with that",
     .begin = begin_latest,
     .fibers = {{"sender", send_all}, {"reader", read_0}, {"gives up", read_1}},
     .end = end,
     .bugs = {{"the bell were not heard before one sleeps", DEAF, "uv_async_send"}}},
};

EXPLORE(models)
