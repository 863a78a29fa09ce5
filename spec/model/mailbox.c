/* spec/model/mailbox.c - model of event/mailbox.c: posting against blocking, and against closing
** the mailbox. */
#include "model_worker.h"

enum { EACH = 2 };

typedef struct numbered_post {
  rt_post post;
  int from, number;
} numbered_post;

static worker *reader;
static numbered_post posts[2][EACH];
static int seen[2];

static void deliver(rt_post *p, void *driver) {
  numbered_post *l = rt_containerof(p, numbered_post, post);
  check(driver == &reader->driver);
  check(l->number == seen[l->from]);
  seen[l->from]++;
}

static void begin(void) {
  reader = worker_new();
  for (int from = 0; from < 2; from++) {
    seen[from] = 0;
    for (int n = 0; n < EACH; n++) posts[from][n] = (numbered_post){{NULL, deliver}, from, n};
  }
}

static void post_all(int from) {
  rt_mailbox *m = &reader->driver.mailbox;
  for (int n = 0; n < EACH; n++) rt_mailbox_post(m, &posts[from][n].post);
}

static void post_0(void) { post_all(0); }
static void post_1(void) { post_all(1); }

/* The reader closes its mailbox when all posts were delivered; a sender may be about to ring
** then. */
static void read_all(void) {
  while (seen[0] + seen[1] < 2 * EACH) rt_driver_park(&reader->driver);
  if (seeded("closes early"))
    reader->driver.mailbox.rings_due = atomic_load(&reader->driver.mailbox.rings);
  worker_free(reader);
}

static void end(void) { check(seen[0] == EACH && seen[1] == EACH); }

static const model models[] = {
    {.says = "mailbox: each post arrives, in order; a reader never sleeps beside one, nor ends "
             "while another thread rings",
     .begin = begin,
     .fibers = {{"reader", read_all}, {"sender 0", post_0}, {"sender 1", post_1}},
     .end = end,
     .bugs = {{"two posts could be appended at once", BUG_NOT_ATOMIC, "rt_cas(&m->newest)"},
              {"a ring before the reader sleeps were lost", BUG_BELL_FORGOTTEN, "uv_async_send"},
              {"the reader ended without waiting for the rings", BUG_OWN, "closes early"},
              {"a ring were not counted", BUG_NOT_WRITTEN, "rt_add(&m->rings)"}}},
};

EXPLORE(models)
