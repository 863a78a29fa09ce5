/* spec/ground/timer.c - task/timer.c: the timer wheel, checked against an oracle that keeps its
** timers in a sorted list. */
#include "check.h"
#include "task/timer.h"

enum { TIMERS = 400 };
#define SPAN ((uint64_t)1 << 36)

typedef struct entry {
  union {
    rt_timer_call call;
    rt_timer sleep;
  };
  bool sleeps, pending;
  uint64_t due, serial; /* the oracle's: timers fire in the order of these two */
} entry;

typedef struct world {
  rt_wheel wheel;
  entry entries[TIMERS];
  entry *sorted[TIMERS]; /* the pending entries */
  int pending;
  uint64_t serial;
  uint64_t now;     /* the current tick of the oracle */
  uint64_t until;   /* the tick to which the wheel advances */
  bool right, busy; /* busy: callbacks add and remove timers */
  uint64_t fired;
} world;

static world the_world;

/* --- the oracle ------------------------------------------------------------------------------- */
static bool comes_before(const entry *a, const entry *b) {
  return a->due != b->due ? a->due < b->due : a->serial < b->serial;
}

static void note_added(world *w, entry *e, uint64_t due) {
  int at = w->pending++;
  e->due = due <= w->now ? w->now + 1 : due < RT_NEVER ? due : RT_NEVER;
  e->serial = w->serial++;
  e->pending = true;
  for (; at > 0 && comes_before(e, w->sorted[at - 1]); at--) w->sorted[at] = w->sorted[at - 1];
  w->sorted[at] = e;
}

static void note_removed(world *w, entry *e) {
  int at = 0;
  while (w->sorted[at] != e) at++;
  for (w->pending--; at < w->pending; at++) w->sorted[at] = w->sorted[at + 1];
  e->pending = false;
}

static void expect(world *w, const char *what, bool holds) {
  if (!holds && w->right) printf("# at %llu: %s\n", (unsigned long long)w->now, what);
  w->right = w->right && holds;
}

/* --- both ------------------------------------------------------------------------------------- */
static void on_call(rt_timer_call *call);

static void add(world *w, entry *e, uint64_t due) {
  e->sleeps = one_in(2);
  if (e->sleeps) {
    rt_list_init(&e->sleep.link);
    rt_wheel_add(&w->wheel, &e->sleep, RT_TIMER_SLEEP, due);
  } else {
    rt_timer_call_init(&e->call, on_call);
    rt_wheel_add(&w->wheel, &e->call.timer, RT_TIMER_CALL, due);
  }
  note_added(w, e, due);
}

static void withdraw(world *w, entry *e) {
  rt_timer_remove(e->sleeps ? &e->sleep : &e->call.timer);
  note_removed(w, e);
}

/* From the next tick to beyond the span of the wheel; often the same tick as another timer. */
static uint64_t some_due(world *w) {
  const entry *other = &w->entries[below(TIMERS)];
  if (other->pending && one_in(3)) return other->due;
  if (one_in(50)) return below(w->now + 1); /* not after the current tick */
  if (one_in(100)) return RT_NEVER + below(1000);
  return w->now + below((uint64_t)1 << (1 + below(39)));
}

static void change(world *w) {
  entry *e = &w->entries[below(TIMERS)];
  if (e->pending)
    withdraw(w, e);
  else
    add(w, e, some_due(w));
}

/* --- what fires ------------------------------------------------------------------------------- */
static void on_fired(world *w, entry *e, bool slept) {
  expect(w, "what fires is pending", e->pending);
  if (!e->pending) return;
  expect(w, "the one that is due fires, and those of one tick in the order of the calls",
         w->sorted[0] == e);
  expect(w, "nothing fires early", e->due <= w->until);
  expect(w, "it is told by its kind", e->sleeps == slept);
  expect(w, "the wheel is at its tick", w->wheel.now == e->due);
  w->now = e->due;
  w->fired++;
  note_removed(w, e);
  if (!w->busy) return;
  if (one_in(4)) add(w, e, some_due(w));
  for (uint64_t n = below(3); n > 0; n--) change(w);
}

static void on_call(rt_timer_call *call) {
  on_fired(&the_world, rt_containerof(call, entry, call), false);
}

static void on_sleep(rt_timer *timer, void *owner) {
  expect(owner, "the owner is told", owner == &the_world);
  on_fired(owner, rt_containerof(timer, entry, sleep), true);
}

static void advance(world *w, uint64_t to) {
  uint64_t fired = w->fired;
  w->until = to;
  int n = rt_wheel_advance(&w->wheel, to);
  expect(w, "it says how many fired", w->fired - fired == (uint64_t)n);
  if (to > w->now) w->now = to;
  expect(w, "nothing that was due is left", w->pending == 0 || w->sorted[0]->due > w->now);
}

/* A driver blocks until that tick: if it is too late, a timer is late; if too early, it polls
** once. */
static void check_next(world *w) {
  uint64_t next = rt_wheel_next(&w->wheel);
  if (w->pending == 0)
    expect(w, "an empty wheel has nothing coming", next == RT_NEVER);
  else
    expect(w, "nothing is due before the next tick it names",
           next <= w->sorted[0]->due && next >= w->now);
}

static void begin(world *w, uint64_t now) {
  memset(w, 0, sizeof *w);
  w->right = true;
  rt_wheel_init(&w->wheel, on_sleep, w);
  advance(w, now);
}

static void run(uint64_t start, int steps, int jump_bits, bool busy) {
  world *w = &the_world;
  begin(w, start);
  w->busy = busy;
  for (int i = 0; i < steps && w->right; i++) {
    if (one_in(4)) {
      uint64_t to = w->now + below((uint64_t)1 << below((uint64_t)jump_bits));
      if (w->pending && one_in(3)) to = rt_wheel_next(&w->wheel);
      if (w->pending && one_in(8)) to = w->sorted[0]->due - one_in(2);
      if (to > w->now + ((uint64_t)1 << 40)) continue;
      advance(w, to);
    } else {
      change(w);
    }
    check_next(w);
  }
}

static void check_chance(void) {
  const int steps = MANY(300000);
  run(0, steps, 8, false);
  check("small steps: all fire at their tick, in order, none early, none lost",
        the_world.right && the_world.fired > 1000);
  run(0, steps, 40, false);
  check("big jumps: the same", the_world.right && the_world.fired > 1000);
  run(0, steps, 20, true);
  check("functions that add and remove timers: the same",
        the_world.right && the_world.fired > 1000);
  run(SPAN - 1000, steps, 9, true);
  check("across the end of the wheel's span: the same", the_world.right && the_world.fired > 1000);
  run(SPAN * 3 - 50, steps, 38, true);
  check("beyond the wheel's span: the same", the_world.right && the_world.fired > 1000);
}

/* --- by hand ---------------------------------------------------------------------------------- */
static void check_edges(void) {
  world *w = &the_world;
  entry *e = w->entries;
  begin(w, 0);
  add(w, &e[0], RT_NEVER);
  advance(w, 63);
  advance(w, SPAN - 1);
  advance(w, SPAN);
  advance(w, SPAN * 5 + 17);
  check("what is due never does not fire, and does not keep the wheel busy",
        w->right && w->fired == 0);
  withdraw(w, &e[0]);
  check_next(w);
  check("once withdrawn it is forgotten", w->right);

  begin(w, 1000);
  add(w, &e[0], 5);
  add(w, &e[1], 1000);
  add(w, &e[2], 1001);
  advance(w, 1000);
  check("a tick that has been served is served with the next one: not now",
        w->right && w->fired == 0);
  advance(w, 1001);
  check("… but then, in the order of the calls", w->right && w->fired == 3);

  begin(w, 0);
  for (int i = 0; i < TIMERS; i++) add(w, &e[i], SPAN + 100);
  advance(w, SPAN - 70);
  advance(w, SPAN + 99);
  check("ties beyond the span wait", w->right && w->fired == 0);
  advance(w, SPAN + 100);
  check("… and fire in the order of the calls", w->right && w->fired == TIMERS);

  begin(w, 0);
  for (int i = 0; i < TIMERS; i++) add(w, &e[i], (uint64_t)i % 3 * 4096 + 77);
  for (int i = 0; i < TIMERS; i++) withdraw(w, &e[i]);
  check_next(w);
  advance(w, 100000);
  check("when all were withdrawn nothing is coming, and nothing fires", w->right && w->fired == 0);
  rt_timer_remove(&e[0].sleep);
  check("removing what is on no wheel is harmless", w->right);
}

/* A hundred thousand timers of one tick, as after a stall. */
static void check_many(void) {
  enum { N = 100000 };
  static entry many[N];
  rt_wheel wheel;
  bool in_order = true;
  rt_wheel_init(&wheel, on_sleep, NULL);
  rt_list all;
  rt_list_init(&all);
  for (int i = 0; i < N; i++) rt_wheel_add(&wheel, &many[i].sleep, RT_TIMER_SLEEP, 5000);
  rt_wheel_advance(&wheel, 4999);
  rt_list_splice(&all, &wheel.bucket[0][5000 & 63]);
  for (int i = 0; i < N; i++) in_order = in_order && rt_list_take(&all) == &many[i].sleep.link;
  check("a hundred thousand timers of one tick stay in order on their way down",
        in_order && rt_list_is_empty(&all));
}

int main(void) {
  check_begin(120);
  check_edges();
  check_chance();
  check_many();
  return check_end();
}
