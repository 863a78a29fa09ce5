/* event/mailbox.c - the bell, the mark, and the end of a mailbox. */
#include "model_worker.h"

enum { EACH = 2 };

typedef struct letter {
  rt_post post;
  int from, number;
} letter;

static worker *reader;
static letter letters[2][EACH];
static int seen[2];

static void deliver(rt_post *p, void *driver) {
  letter *l = rt_containerof(p, letter, post);
  check(driver == &reader->driver);
  check(l->number == seen[l->from]);
  seen[l->from]++;
}

static void begin(void) {
  reader = worker_new();
  for (int from = 0; from < 2; from++) {
    seen[from] = 0;
    for (int n = 0; n < EACH; n++) letters[from][n] = (letter){{NULL, deliver}, from, n};
  }
}

static void post(int from) {
  rt_mailbox *m = &reader->driver.mailbox;
  for (int n = 0; n < EACH; n++) rt_mailbox_post(m, &letters[from][n].post);
}

static void post_0(void) { post(0); }
static void post_1(void) { post(1); }

/* It goes as soon as it has got everything: somebody may still ring. */
static void read_all(void) {
  while (seen[0] + seen[1] < 2 * EACH) rt_driver_park(&reader->driver);
  if (seeded("hasty"))
    reader->driver.mailbox.rings_due = atomic_load(&reader->driver.mailbox.rings);
  worker_free(reader);
}

static void end(void) { check(seen[0] == EACH && seen[1] == EACH); }

static const model models[] = {
    {.says = "mailbox: each post arrives, in order; a reader never sleeps beside one, nor goes "
             "while somebody rings for it",
     .begin = begin,
     .fibers = {{"reader", read_all}, {"sender 0", post_0}, {"sender 1", post_1}},
     .end = end,
     .bugs = {{"two posts could be appended at once", TORN, "rt_cas(&m->newest)"},
              {"the bell were not heard before the reader sleeps", DEAF, "uv_async_send"},
              {"the reader went without waiting for the bell", OWN, "hasty"},
              {"a ring were not counted", LOST, "rt_add(&m->rings)"}}},
};

EXPLORE(models)
