/* spec/ground/mailbox.c - event/mailbox.c: a queue to which any thread can post, and the bell that
** wakes its reader. */
#include "check.h"
#include "event/mailbox.h"

enum { SENDERS = 4, IN_FLIGHT = 512, POSTS = 4000000, TIMES = POSTS / SENDERS };

typedef struct sent_post {
  rt_post post;
  struct sender *sender;
  uint64_t number;
  rt_atomic(bool) on_its_way;
} sent_post;

typedef struct sender {
  rt_thread thread;
  rt_mailbox *to;
  uint64_t posts;
  uint64_t window; /* how many posts may be on their way at once */
  rt_random random;
  sent_post sent[IN_FLIGHT];
  uint64_t delivered; /* of the reader's thread */
} sender;

/* A bell like that of a driver: if it rings before the reader blocks, the reader does not block. */
typedef struct bell {
  rt_lock lock;
  rt_cond cond;
  bool rung;
  uint64_t rings, waits;
  bool in_order;
} bell;

static void bell_init(bell *b) {
  *b = (bell){.in_order = true};
  must("there is a lock", rt_lock_init(&b->lock) == 0 && rt_cond_init(&b->cond) == 0);
}

static void bell_close(bell *b) {
  rt_cond_close(&b->cond);
  rt_lock_close(&b->lock);
}

static void ring(void *reader) {
  bell *b = reader;
  rt_lock_take(&b->lock);
  b->rung = true;
  b->rings++;
  rt_cond_signal(&b->cond);
  rt_lock_give(&b->lock);
}

/* False: the bell did not ring in time. */
static bool wait_for_bell(bell *b, uint64_t seconds) {
  uint64_t until = check_deadline(seconds);
  bool in_time = true;
  rt_lock_take(&b->lock);
  while (!b->rung && in_time) in_time = rt_cond_wait_until(&b->cond, &b->lock, until);
  in_time = b->rung;
  b->rung = false;
  b->waits++;
  rt_lock_give(&b->lock);
  return in_time;
}

/* --- one thread ------------------------------------------------------------------------------- */
static char delivered_names[16];
typedef struct named_post {
  rt_post post;
  char name;
} named_post;

static void deliver_name(rt_post *p, void *reader) {
  (void)reader;
  delivered_names[strlen(delivered_names)] = rt_containerof(p, named_post, post)->name;
}

static rt_mailbox *repeat_to;
static int repeats;
static void post_again(rt_post *p, void *reader) {
  (void)reader;
  if (repeats-- > 0) rt_mailbox_post(repeat_to, p);
}

static void check_alone(void) {
  bell b;
  rt_mailbox m;
  named_post posts[3] = {
      {{NULL, deliver_name}, 'a'}, {{NULL, deliver_name}, 'b'}, {{NULL, deliver_name}, 'c'}};
  bell_init(&b);
  rt_mailbox_init(&m, ring, &b);
  check("draining an empty mailbox delivers nothing", rt_mailbox_drain(&m) == 0);
  for (int i = 0; i < 3; i++) rt_mailbox_post(&m, &posts[i].post);
  check("a reader that is awake is not rung for", b.rings == 0);
  check("a reader with post is not let sleep, and not rung for",
        !rt_mailbox_sleep(&m) && b.rings == 0);
  int n = rt_mailbox_drain(&m);
  check("post is delivered once, oldest first",
        n == 3 && strcmp(delivered_names, "abc") == 0 && rt_mailbox_drain(&m) == 0);
  check("a reader without post may sleep", rt_mailbox_sleep(&m));
  for (int i = 0; i < 3; i++) rt_mailbox_post(&m, &posts[i].post);
  check("a sleeping reader is rung for once", b.rings == 1);
  rt_mailbox_wake(&m);
  n = rt_mailbox_drain(&m);
  rt_mailbox_sleep(&m);
  rt_mailbox_wake(&m);
  rt_mailbox_post(&m, &posts[0].post);
  check("one that was woken otherwise is not rung for", n == 3 && b.rings == 1);
  rt_mailbox_drain(&m);

  rt_post p = {NULL, post_again};
  repeat_to = &m;
  repeats = 2;
  rt_mailbox_post(&m, &p);
  check("what is posted during a delivery is for the next round",
        rt_mailbox_drain(&m) == 1 && rt_mailbox_drain(&m) == 1 && rt_mailbox_drain(&m) == 1 &&
            rt_mailbox_drain(&m) == 0);
  bell_close(&b);
}

/* --- many threads ----------------------------------------------------------------------------- */
static void deliver(rt_post *p, void *reader) {
  sent_post *m = rt_containerof(p, sent_post, post);
  bell *b = reader;
  if (m->number != m->sender->delivered++) b->in_order = false;
  rt_store(&m->on_its_way, false);
}

/* Sometimes many posts at once, sometimes few with pauses between, so that the reader sleeps. */
static void pause_randomly(sender *s) {
  uint64_t r = rt_random_next(&s->random);
  if (r % 1024 == 0)
    usleep(r >> 32 & 255);
  else if (r % 64 == 0)
    for (volatile int i = (int)(r >> 32 & 1023); i > 0; i--) {}
}

static void send_all(void *arg) {
  sender *s = arg;
  for (uint64_t i = 0; i < s->posts; i++) {
    sent_post *m = &s->sent[i % s->window];
    for (int spins = 0; rt_load(&m->on_its_way); spins++)
      if (spins > 50) usleep(1);
    m->number = i;
    m->sender = s;
    m->post.deliver = deliver;
    rt_store(&m->on_its_way, true);
    rt_mailbox_post(s->to, &m->post);
    pause_randomly(s);
  }
}

static void check_threads(void) {
  static sender senders[SENDERS];
  bell b;
  rt_mailbox m;
  uint64_t total = 0, got = 0, sleeps = 0;
  bool awake_in_time = true, exactly_once = true;
  bell_init(&b);
  rt_mailbox_init(&m, ring, &b);
  for (int i = 0; i < SENDERS; i++) {
    sender *s = &senders[i];
    s->to = &m;
    s->posts = MANY(TIMES);
    s->window = IN_FLIGHT;
    s->random.state = rt_random_next(&check_random);
    total += s->posts;
    must("a thread starts", rt_thread_start(&s->thread, 256 * 1024, send_all, s) == 0);
  }
  while (got < total && awake_in_time) {
    got += (uint64_t)rt_mailbox_drain(&m);
    if (got == total) break;
    sleeps++;
    if (rt_mailbox_sleep(&m)) awake_in_time = wait_for_bell(&b, 20);
    rt_mailbox_wake(&m);
  }
  check("no wake-up is lost: a sleeping reader hears of every post", awake_in_time);
  if (!awake_in_time) exit(EXIT_FAILURE);
  for (int i = 0; i < SENDERS; i++) {
    rt_thread_join(senders[i].thread);
    exactly_once = exactly_once && senders[i].delivered == senders[i].posts;
  }
  printf("# %llu posts, %llu sleeps, %llu rings\n", (unsigned long long)total,
         (unsigned long long)sleeps, (unsigned long long)b.rings);
  check("every post of every sender is delivered exactly once",
        exactly_once && rt_mailbox_drain(&m) == 0);
  check("the posts of one sender are delivered in their order", b.in_order);
  check("the bell is rung at most once for a reader that is about to sleep", b.rings <= sleeps);
  check("the reader has slept, so that all this means something", b.waits > 100);
  bell_close(&b);
}

/* One post at a time, each to a reader that is about to sleep. */
static void check_one_by_one(void) {
  static sender s;
  bell b;
  rt_mailbox m;
  uint64_t got = 0;
  bool in_time = true;
  bell_init(&b);
  rt_mailbox_init(&m, ring, &b);
  s.to = &m;
  s.posts = MANY(50000);
  s.window = 1;
  s.random.state = rt_random_next(&check_random);
  must("a thread starts", rt_thread_start(&s.thread, 256 * 1024, send_all, &s) == 0);
  while (got < s.posts && in_time) {
    if (rt_mailbox_sleep(&m)) in_time = wait_for_bell(&b, 20);
    rt_mailbox_wake(&m);
    got += (uint64_t)rt_mailbox_drain(&m);
  }
  check("a reader that sleeps after every post misses none", in_time && b.in_order);
  if (!in_time) exit(EXIT_FAILURE);
  rt_thread_join(s.thread);
  bell_close(&b);
}

/* Neither thread blocks in the kernel, so that they meet within nanoseconds of each other: a reader
** that announced its sleep too late would miss a post here. */
static rt_atomic(bool) rung, over;
static rt_atomic(uint64_t) arrived;

static void ring_without_blocking(void *reader) {
  (void)reader;
  rt_store(&rung, true);
}

static void arrive(rt_post *p, void *reader) {
  (void)p, (void)reader;
  rt_add(&arrived, 1);
}

static void deliver_last(rt_post *p, void *reader) {
  (void)p, (void)reader;
  rt_store(&over, true);
}

/* Spins until is_so(arg). True: in time. (usleep: the other thread may need this CPU.) */
static bool becomes(bool (*is_so)(uint64_t), uint64_t arg) {
  uint64_t until = 0;
  for (uint64_t spins = 1; !is_so(arg); spins++) {
    if (spins % 4096 != 0) continue;
    if (until == 0) until = check_deadline(20);
    if (rt_clock() > until) return false;
    usleep(1);
  }
  return true;
}

static bool has_arrived(uint64_t n) { return rt_load(&arrived) == n; }
static bool has_rung(uint64_t n) { return (void)n, rt_load(&rung); }

static void post_each(void *arg) {
  sender *s = arg;
  uint64_t until = rt_clock() + 2 * RT_SECOND;
  rt_post p = {.deliver = arrive};
  bool in_time = true;
  for (s->posts = 0; rt_clock() < until && in_time; s->posts++) {
    for (volatile int wait = (int)(rt_random_next(&s->random) % 64); wait > 0; wait--) {}
    rt_mailbox_post(s->to, &p);
    in_time = becomes(has_arrived, s->posts + 1);
  }
  static rt_post last = {.deliver = deliver_last};
  if (in_time) rt_mailbox_post(s->to, &last);
}

static void check_closely(void) {
  static sender s;
  rt_mailbox m;
  bool missed = false;
  rt_mailbox_init(&m, ring_without_blocking, NULL);
  s.to = &m;
  s.random.state = rt_random_next(&check_random);
  must("a thread starts", rt_thread_start(&s.thread, 256 * 1024, post_each, &s) == 0);
  while (!rt_load(&over) && !missed) {
    if (rt_mailbox_sleep(&m)) {
      missed = !becomes(has_rung, 0);
      rt_store(&rung, false);
    }
    rt_mailbox_wake(&m);
    rt_mailbox_drain(&m);
  }
  check("a post that comes just as the reader falls asleep is heard", !missed);
  if (missed) exit(EXIT_FAILURE);
  rt_thread_join(s.thread);
  printf("# %llu times\n", (unsigned long long)s.posts);
}

/* A bell that rings slowly. */
static rt_atomic(bool) ringing, has_rung_slowly;

static void ring_slowly(void *reader) {
  (void)reader;
  rt_store(&ringing, true);
  usleep(50000);
  rt_store(&has_rung_slowly, true);
}

static void post_one(void *to) {
  static rt_post p = {.deliver = arrive};
  rt_mailbox_post(to, &p);
}

static void check_close(void) {
  rt_mailbox m;
  rt_thread thread;
  rt_mailbox_init(&m, ring_slowly, NULL);
  rt_mailbox_close(&m);
  check("a mailbox that nobody rang for closes at once", !rt_load(&ringing));
  bool asleep = rt_mailbox_sleep(&m);
  must("a thread starts", rt_thread_start(&thread, 256 * 1024, post_one, &m) == 0);
  while (!rt_load(&ringing)) usleep(100);
  rt_mailbox_wake(&m); /* woken by a timer, say */
  int n = rt_mailbox_drain(&m);
  rt_mailbox_close(&m);
  check("a mailbox closes when those who ring for it have done",
        asleep && n == 1 && rt_load(&has_rung_slowly));
  rt_thread_join(thread);
}

int main(void) {
  check_begin(240);
  check_alone();
  check_one_by_one();
  check_closely();
  check_threads();
  check_close();
  return check_end();
}
