#include "explore.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <ucontext.h>

enum {
  STACK = 128 * 1024,
  STEPS_MOST = 20000,  /* in one schedule: it does not end */
  CHOICES_MOST = 4096, /* likewise */
  LOCALS_MOST = 256,   /* bytes of a fiber's own variables */
  SWITCHES_TOLD = 200
};

typedef struct fiber {
  const char *name;
  ucontext_t context;
  char *stack;
  void (*run)(void *);
  void *arg;
  bool ended;
  bool (*ready)(void *); /* NULL: it can go on */
  void *ready_arg;
  bool timed;
  const model_place *at; /* where it is */
  char locals[LOCALS_MOST];
} fiber;

typedef struct choice {
  unsigned char of, taken;
} choice;

typedef struct turn {
  int fiber;
  const model_place *at; /* where it stopped */
} turn;

static struct {
  /* for all schedules */
  const model *model;
  const bug *bug; /* seeded; NULL: none */
  int most_preemptions;
  bool tells; /* every step, as it is done */
  /* this one */
  fiber fibers[FIBERS];
  int count, here;
  int preemptions, steps;
  bool calm;
  uint64_t changes;
  choice choices[CHOICES_MOST];
  int depth, fixed; /* so many choices made; so many to be made as before */
  turn turns[SWITCHES_TOLD];
  int switches;
  char why[512];
  ucontext_t explorer;
  sigjmp_buf out;
} x = {.here = -1};

/* --- a fiber's own variables --------------------------------------------------------------------- */
extern char __start_fiber_local[] __attribute__((weak)), __stop_fiber_local[] __attribute__((weak));

static size_t locals_size(void) {
  size_t size = (size_t)(__stop_fiber_local - __start_fiber_local);
  if (size > LOCALS_MOST) abort();
  return size;
}

static void keep_locals(fiber *f) { memcpy(f->locals, __start_fiber_local, locals_size()); }
static void restore_locals(const fiber *f) {
  memcpy(__start_fiber_local, f->locals, locals_size());
}

/* --- failing -------------------------------------------------------------------------------------- */
void model_fail(const char *why, ...) {
  va_list args;
  va_start(args, why);
  vsnprintf(x.why, sizeof x.why, why, args);
  va_end(args);
  siglongjmp(x.out, 1); /* the fibers are left where they are */
}

static void on_signal(int number) { model_fail("%s", strsignal(number)); }

static void catch_signals(void) {
  static char stack[64 * 1024];
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
  for (size_t i = 0; i < rt_countof(numbers); i++) sigaction(numbers[i], &action, NULL);
}

/* --- choosing -------------------------------------------------------------------------------------- */
int fiber_choose(int n) {
  if (n == 1 || x.here < 0 || x.calm) return 0;
  if (x.depth == CHOICES_MOST) model_fail("it does not end");
  choice *c = &x.choices[x.depth];
  if (x.depth >= x.fixed)
    *c = (choice){(unsigned char)n, 0};
  else if (c->of != n && c->of != 0)
    model_fail("the model does not do the same again: %d ways instead of %d", n, c->of);
  c->of = (unsigned char)n;
  if (c->taken >= n) model_fail("there is no such schedule");
  x.depth++;
  return c->taken;
}

/* The last choice that has another way left takes it.  False: all have been taken. */
static bool next_schedule(void) {
  while (x.depth > 0 && x.choices[x.depth - 1].taken + 1 >= x.choices[x.depth - 1].of) x.depth--;
  if (x.depth == 0) return false;
  x.choices[x.depth - 1].taken++;
  x.fixed = x.depth;
  return true;
}

/* --- switching --------------------------------------------------------------------------------------- */
static bool can_go_on(const fiber *f) {
  return !f->ended && (f->ready == NULL || f->timed || f->ready(f->ready_arg));
}

/* Those who can go on, beginning after the present one; without it. */
static int others(int *list) {
  int n = 0;
  for (int i = 1; i <= x.count; i++) {
    int number = (x.here + i) % x.count;
    if (number != x.here && can_go_on(&x.fibers[number])) list[n++] = number;
  }
  return n;
}

static void note_switch(int from, const model_place *at) {
  if (x.switches < SWITCHES_TOLD) x.turns[x.switches] = (turn){from, at};
  x.switches++;
}

static void switch_to(int number) {
  fiber *from = &x.fibers[x.here], *to = &x.fibers[number];
  if (from == to) return;
  note_switch(x.here, from->at);
  keep_locals(from);
  restore_locals(to);
  x.here = number;
  swapcontext(&from->context, &to->context);
}

static void step(const model_place *at) {
  fiber *f = &x.fibers[x.here];
  f->at = at;
  if (++x.steps > STEPS_MOST) model_fail("it does not end");
  if (x.tells) printf("#   %-10s %s, line %d\n", f->name, at->text, at->line);
}

void model_point(const model_place *at, const volatile void *what) {
  int list[FIBERS], n;
  if (what) ground_look(at, what);
  if (x.here < 0) return;
  step(at);
  if (!x.calm && x.preemptions < x.most_preemptions && (n = others(list)) > 0) {
    int way = fiber_choose(n + 1);
    if (way > 0) {
      x.preemptions++;
      switch_to(list[way - 1]);
      if (what) ground_look(at, what);
    }
  }
}

void model_change(const model_place *at, const volatile void *what) {
  model_point(at, what);
  x.changes++;
}

void explore_no_more(void) { x.calm = true; }

uint64_t fiber_changes(void) { return x.changes; }
int fiber_here(void) { return x.here; }
bool fiber_ended(int number) { return x.fibers[number].ended; }

static const char *name_of_waiting(void) {
  static char text[400];
  size_t len = 0;
  text[0] = '\0';
  for (int i = 0; i < x.count; i++) {
    const fiber *f = &x.fibers[i];
    if (f->ended || len >= sizeof text - 1) continue;
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%s at %s, line %d", len ? "; " : "",
                            f->name, f->at->text, f->at->line);
  }
  return text;
}

/* The present one cannot go on, or has ended. */
static void give_way(void) {
  int list[FIBERS], n = others(list);
  if (can_go_on(&x.fibers[x.here])) list[n++] = x.here;
  if (n > 0)
    switch_to(list[fiber_choose(n)]);
  else
    model_fail("nobody can go on: %s", name_of_waiting());
}

bool fiber_wait(const model_place *at, bool (*ready)(void *), void *arg, bool timed) {
  if (x.here < 0) {
    if (!ready(arg) && !timed) model_fail("%s, line %d: waits for ever", at->text, at->line);
    return ready(arg);
  }
  fiber *f = &x.fibers[x.here];
  f->at = at;
  if (!ready(arg)) {
    f->ready = ready;
    f->ready_arg = arg;
    f->timed = timed;
    give_way();
    f->ready = NULL;
  }
  return ready(arg);
}

static bool is_set(void *flag) { return *(bool *)flag; }

void wait_until(bool *flag) {
  static const model_place here = {"wait_until(flag)", 0};
  fiber_wait(&here, is_set, flag, false);
}

/* --- fibers --------------------------------------------------------------------------------------------- */
static bool all_have_ended(void) {
  for (int i = 0; i < x.count; i++)
    if (!x.fibers[i].ended) return false;
  return true;
}

static void fiber_main(void) {
  static const model_place end = {"its end", 0};
  fiber *f = &x.fibers[x.here];
  f->run(f->arg);
  f->at = &end;
  f->ended = true;
  x.changes++;
  if (!all_have_ended()) give_way();
  note_switch(x.here, &end);
  setcontext(&x.explorer);
}

int fiber_start(const char *name, void (*run)(void *), void *arg) {
  static const model_place beginning = {"its beginning", 0};
  static const char *const names[FIBERS] = {"thread 0", "thread 1", "thread 2", "thread 3",
                                            "thread 4", "thread 5", "thread 6", "thread 7"};
  if (x.count == FIBERS) model_fail("too many threads");
  fiber *f = &x.fibers[x.count];
  char *stack = f->stack ? f->stack : malloc(STACK);
  *f = (fiber){.name = name ? name : names[x.count],
               .stack = stack,
               .run = run,
               .arg = arg,
               .at = &beginning};
  getcontext(&f->context);
  f->context.uc_stack = (stack_t){.ss_sp = f->stack, .ss_size = STACK};
  makecontext(&f->context, fiber_main, 0);
  return x.count++;
}

static void run_plain(void *run) { (*(void (*const *)(void))run)(); }

static void start_fibers(const model *m) {
  for (int i = 0; i < FIBERS && m->fibers[i].run; i++)
    fiber_start(m->fibers[i].name, run_plain, (void *)&m->fibers[i].run);
}

/* Whoever begins is a choice, too. */
static void run_fibers(void) {
  fiber before;
  keep_locals(&before);
  x.here = 0;
  x.here = fiber_choose(x.count);
  restore_locals(&x.fibers[x.here]);
  swapcontext(&x.explorer, &x.fibers[x.here].context);
  x.here = -1;
  restore_locals(&before);
}

/* --- seeded bugs ------------------------------------------------------------------------------------------ */
bool bug_is_at(bug_kind kind, const model_place *at) {
  return x.bug && x.bug->kind == kind && x.here >= 0 && strstr(at->text, x.bug->where) != NULL;
}

bool model_is_torn(const model_place *at) { return bug_is_at(TORN, at); }
bool model_is_blind(const model_place *at) { return bug_is_at(BLIND, at); }
bool model_is_lost(const model_place *at) { return bug_is_at(LOST, at); }

bool seeded(const char *name) {
  return x.bug && x.bug->kind == OWN && strcmp(x.bug->where, name) == 0;
}

/* --- exploring --------------------------------------------------------------------------------------------- */
/* One schedule.  False: it failed, and x.why says why. */
static bool run(void) {
  x.count = x.depth = x.preemptions = x.steps = x.switches = 0;
  x.changes = 0;
  x.calm = false;
  x.here = -1;
  bool failed = sigsetjmp(x.out, 0) != 0;
  if (!failed) {
    memset(__start_fiber_local, 0, locals_size());
    ground_begin();
    x.model->begin();
    start_fibers(x.model);
    run_fibers();
    x.model->end();
    ground_end(false);
  } else {
    if (x.here >= 0) note_switch(x.here, x.fibers[x.here].at);
    x.here = -1;
    ground_end(true);
  }
  return !failed;
}

typedef struct outcome {
  bool failed;
  long schedules;
} outcome;

static outcome run_all(int preemptions, long most) {
  outcome o = {false, 0};
  x.most_preemptions = preemptions;
  x.fixed = 0;
  do {
    o.schedules++;
    o.failed = !run();
  } while (!o.failed && o.schedules < most && next_schedule());
  return o;
}

/* Few preemptions first: of several schedules that fail, the simplest is found. */
static outcome run_up_to(int preemptions, long most) {
  outcome o = {false, 0};
  for (int n = 0; n <= preemptions && !o.failed; n++) o = run_all(n, most);
  return o;
}

/* --- telling ------------------------------------------------------------------------------------------------- */
static void tell_failure(void) {
  printf("# %s\n", x.why);
  for (int i = 0; i < x.switches && i < SWITCHES_TOLD; i++) {
    const turn *t = &x.turns[i];
    printf("#   %-10s runs until %s", x.fibers[t->fiber].name, t->at->text);
    printf(t->at->line ? ", line %d\n" : "\n", t->at->line);
  }
}

static void tell_replay(const char *program, int model_number, int bug_number) {
  printf("# again: %s --preemptions %d --model %d --bug %d --replay ", program, x.most_preemptions,
         model_number, bug_number);
  for (int i = 0; i < x.depth; i++)
    if (x.choices[i].taken) printf("%d:%d,", i, x.choices[i].taken);
  printf("\n");
}

/* --- the program ---------------------------------------------------------------------------------------------- */
static struct {
  int preemptions, model, bug; /* numbered from 1; 0: all, none */
  long most;
  const char *replay;
  bool tells_bugs;
} options = {.preemptions = 2, .most = 3000000};

static void read_options(int argc, char **argv) {
  for (int i = 1; i < argc; i += 2) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(name, "--preemptions") == 0)
      options.preemptions = atoi(value);
    else if (strcmp(name, "--most") == 0)
      options.most = atol(value);
    else if (strcmp(name, "--model") == 0)
      options.model = atoi(value);
    else if (strcmp(name, "--bug") == 0)
      options.bug = atoi(value);
    else if (strcmp(name, "--replay") == 0)
      options.replay = value;
    else if (strcmp(name, "--tell") == 0)
      options.tells_bugs = strcmp(value, "bugs") == 0;
    else {
      fprintf(stderr,
              "usage: %s [--preemptions 2] [--most SCHEDULES] [--model NUMBER [--bug NUMBER]]\n"
              "  [--replay NUMBERS] [--tell bugs]\n",
              argv[0]);
      exit(2);
    }
  }
}

/* "17:1,23:2,": at the 17th choice the first other way, …; elsewhere none */
static void read_choices(const char *p) {
  int at, taken, len;
  memset(x.choices, 0, sizeof x.choices);
  x.fixed = 0;
  for (; sscanf(p, "%d:%d,%n", &at, &taken, &len) == 2 && at < CHOICES_MOST; p += len) {
    x.choices[at].taken = (unsigned char)taken;
    x.fixed = at + 1;
  }
}

static int replay(void) {
  read_choices(options.replay);
  x.tells = true;
  x.most_preemptions = options.preemptions;
  bool ok = run();
  if (!ok) tell_failure();
  printf("%s %s\n", ok ? "ok" : "not ok", x.model->says);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool explore_model(const char *program, int number) {
  outcome o = run_up_to(options.preemptions, options.most);
  if (o.failed) {
    tell_failure();
    tell_replay(program, number, 0);
  }
  bool all = o.schedules < options.most;
  printf("%s %s (%ld schedules%s)\n", o.failed ? "not ok" : "ok", x.model->says, o.schedules,
         all ? "" : ", not all");
  return !o.failed;
}

static bool explore_bug(const char *program, int number, int bug_number) {
  x.bug = &x.model->bugs[bug_number - 1];
  outcome o = run_up_to(options.preemptions, options.most);
  if (o.failed && options.tells_bugs) {
    tell_failure();
    tell_replay(program, number, bug_number);
  }
  printf("%s … it would not if %s (schedule %ld)\n", o.failed ? "ok" : "not ok", x.bug->says,
         o.schedules);
  x.bug = NULL;
  return o.failed;
}

static bool explore_with_bugs(const char *program, int number) {
  bool ok = explore_model(program, number);
  for (int i = 0; i < BUGS && x.model->bugs[i].says; i++)
    ok = explore_bug(program, number, i + 1) && ok;
  fflush(stdout);
  return ok;
}

int explore(int argc, char **argv, const model *models, size_t count) {
  bool ok = true;
  read_options(argc, argv);
  catch_signals();
  for (size_t i = 0; i < count; i++) {
    if (options.model != 0 && options.model != (int)i + 1) continue;
    x.model = &models[i];
    if (options.replay) {
      if (options.bug) x.bug = &x.model->bugs[options.bug - 1];
      return replay();
    }
    ok = (options.bug ? explore_bug(argv[0], (int)i + 1, options.bug)
                      : explore_with_bugs(argv[0], (int)i + 1)) &&
         ok;
  }
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
