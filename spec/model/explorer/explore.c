#include "explore.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <ucontext.h>

enum {
  STACK = 128 * 1024,
  MAX_STEPS = 20000,  /* a schedule with more does not end */
  MAX_CHOICES = 4096, /* a schedule with more does not end, either */
  MAX_LOCALS = 256,   /* bytes of the thread-local variables */
  MAX_PRINTED_SWITCHES = 200
};

typedef struct fiber {
  const char *name;
  ucontext_t context;
  char *stack;
  void (*run)(void *);
  void *arg;
  bool ended;
  bool (*ready)(void *); /* it waits for this; NULL: it does not wait */
  void *ready_arg;
  bool timed;
  const model_place *at; /* where it was stopped */
  char locals[MAX_LOCALS];
} fiber;

typedef struct choice {
  unsigned char of, taken;
} choice;

/* What was run from one switch to the next. */
typedef struct run_part {
  int fiber;
  const model_place *at; /* where it stopped */
} run_part;

static struct {
  /* for all schedules */
  const model *model;
  const bug *bug; /* seeded; NULL: none */
  int max_preemptions;
  bool prints_steps;
  /* for the current schedule */
  fiber fibers[FIBERS];
  int count, here;
  int preemptions, steps;
  bool calm; /* see explore_no_more */
  uint64_t changes;
  choice choices[MAX_CHOICES];
  int depth, fixed; /* how many choices were made; how many to repeat from the schedule before */
  run_part parts[MAX_PRINTED_SWITCHES];
  int switches;
  char why[512];
  ucontext_t explorer;
  sigjmp_buf out;
} x = {.here = -1};

/* --- thread-local variables of the fibers ----------------------------------------------------- */
extern char __start_fiber_local[] __attribute__((weak)), __stop_fiber_local[] __attribute__((weak));

static size_t locals_size(void) {
  size_t size = (size_t)(__stop_fiber_local - __start_fiber_local);
  if (size > MAX_LOCALS) abort();
  return size;
}

static void save_locals(fiber *f) { memcpy(f->locals, __start_fiber_local, locals_size()); }
static void restore_locals(const fiber *f) {
  memcpy(__start_fiber_local, f->locals, locals_size());
}

/* --- failing ---------------------------------------------------------------------------------- */
void model_fail(const char *why, ...) {
  va_list args;
  va_start(args, why);
  vsnprintf(x.why, sizeof x.why, why, args);
  va_end(args);
  siglongjmp(x.out, 1); /* the stacks of the fibers are abandoned */
}

static void on_fault(int number) { model_fail("%s", strsignal(number)); }

static void install_signal_handlers(void) {
  static char stack[64 * 1024];
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
  for (size_t i = 0; i < rt_countof(numbers); i++) sigaction(numbers[i], &action, NULL);
}

/* --- choosing --------------------------------------------------------------------------------- */
int fiber_choose(int n) {
  if (n == 1 || x.here < 0 || x.calm) return 0;
  if (x.depth == MAX_CHOICES) model_fail("it does not end");
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

/* The last choice with an alternative left takes the next one. False: all have been tried. */
static bool next_schedule(void) {
  while (x.depth > 0 && x.choices[x.depth - 1].taken + 1 >= x.choices[x.depth - 1].of) x.depth--;
  if (x.depth == 0) return false;
  x.choices[x.depth - 1].taken++;
  x.fixed = x.depth;
  return true;
}

/* --- switching -------------------------------------------------------------------------------- */
static bool can_continue(const fiber *f) {
  return !f->ended && (f->ready == NULL || f->timed || f->ready(f->ready_arg));
}

/* The other fibers that can continue, beginning after the running one. */
static int list_others(int *list) {
  int n = 0;
  for (int i = 1; i <= x.count; i++) {
    int number = (x.here + i) % x.count;
    if (number != x.here && can_continue(&x.fibers[number])) list[n++] = number;
  }
  return n;
}

static void note_switch(int from, const model_place *at) {
  if (x.switches < MAX_PRINTED_SWITCHES) x.parts[x.switches] = (run_part){from, at};
  x.switches++;
}

static void switch_to(int number) {
  fiber *from = &x.fibers[x.here], *to = &x.fibers[number];
  if (from == to) return;
  note_switch(x.here, from->at);
  save_locals(from);
  restore_locals(to);
  x.here = number;
  swapcontext(&from->context, &to->context);
}

static void step(const model_place *at) {
  fiber *f = &x.fibers[x.here];
  f->at = at;
  if (++x.steps > MAX_STEPS) model_fail("it does not end");
  if (x.prints_steps) printf("#   %-10s %s, line %d\n", f->name, at->text, at->line);
}

void model_point(const model_place *at, const volatile void *what) {
  int list[FIBERS], n;
  if (what) memory_check(at, what);
  if (x.here < 0) return;
  step(at);
  if (!x.calm && x.preemptions < x.max_preemptions && (n = list_others(list)) > 0) {
    int way = fiber_choose(n + 1);
    if (way > 0) {
      x.preemptions++;
      switch_to(list[way - 1]);
      if (what) memory_check(at, what);
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

static const char *waiting_fibers(void) {
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

/* The running fiber has to wait, or has ended. */
static void switch_away(void) {
  int list[FIBERS], n = list_others(list);
  if (can_continue(&x.fibers[x.here])) list[n++] = x.here;
  if (n > 0)
    switch_to(list[fiber_choose(n)]);
  else
    model_fail("no fiber can be resumed: %s", waiting_fibers());
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
    switch_away();
    f->ready = NULL;
  }
  return ready(arg);
}

static bool is_set(void *flag) { return *(bool *)flag; }

void wait_until(bool *flag) {
  static const model_place here = {"wait_until(flag)", 0};
  fiber_wait(&here, is_set, flag, false);
}

/* --- fibers ----------------------------------------------------------------------------------- */
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
  if (!all_have_ended()) switch_away();
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

/* Which fiber begins is a choice, too. */
static void run_fibers(void) {
  fiber before;
  save_locals(&before);
  x.here = 0;
  x.here = fiber_choose(x.count);
  restore_locals(&x.fibers[x.here]);
  swapcontext(&x.explorer, &x.fibers[x.here].context);
  x.here = -1;
  restore_locals(&before);
}

/* --- seeded bugs ------------------------------------------------------------------------------ */
bool bug_is_at(bug_kind kind, const model_place *at) {
  return x.bug && x.bug->kind == kind && x.here >= 0 && strstr(at->text, x.bug->where) != NULL;
}

bool model_is_not_atomic(const model_place *at) { return bug_is_at(BUG_NOT_ATOMIC, at); }
bool model_is_not_read(const model_place *at) { return bug_is_at(BUG_NOT_READ, at); }
bool model_is_not_written(const model_place *at) { return bug_is_at(BUG_NOT_WRITTEN, at); }

bool seeded(const char *name) {
  return x.bug && x.bug->kind == BUG_OWN && strcmp(x.bug->where, name) == 0;
}

/* --- exploring -------------------------------------------------------------------------------- */
/* Runs one schedule. False: it has failed, for the reason x.why. */
static bool run_schedule(void) {
  x.count = x.depth = x.preemptions = x.steps = x.switches = 0;
  x.changes = 0;
  x.calm = false;
  x.here = -1;
  bool failed = sigsetjmp(x.out, 0) != 0;
  if (!failed) {
    memset(__start_fiber_local, 0, locals_size());
    memory_begin();
    x.model->begin();
    start_fibers(x.model);
    run_fibers();
    if (x.model->end) x.model->end();
    memory_end(false);
  } else {
    if (x.here >= 0) note_switch(x.here, x.fibers[x.here].at);
    x.here = -1;
    memory_end(true);
  }
  return !failed;
}

typedef struct outcome {
  bool failed;
  long schedules;
} outcome;

static outcome run_all(int preemptions, long max) {
  outcome o = {false, 0};
  x.max_preemptions = preemptions;
  x.fixed = 0;
  do {
    o.schedules++;
    o.failed = !run_schedule();
  } while (!o.failed && o.schedules < max && next_schedule());
  return o;
}

/* Begins with few preemptions, so that the simplest schedule that fails is found. */
static outcome run_up_to(int preemptions, long max) {
  outcome o = {false, 0};
  for (int n = 0; n <= preemptions && !o.failed; n++) o = run_all(n, max);
  return o;
}

/* --- printing --------------------------------------------------------------------------------- */
static void print_failure(void) {
  printf("# %s\n", x.why);
  for (int i = 0; i < x.switches && i < MAX_PRINTED_SWITCHES; i++) {
    const run_part *t = &x.parts[i];
    printf("#   %-10s runs until %s", x.fibers[t->fiber].name, t->at->text);
    printf(t->at->line ? ", line %d\n" : "\n", t->at->line);
  }
}

static void print_replay(const char *program, int model_number, int bug_number) {
  printf("# again: %s --preemptions %d --model %d --bug %d --replay ", program, x.max_preemptions,
         model_number, bug_number);
  for (int i = 0; i < x.depth; i++)
    if (x.choices[i].taken) printf("%d:%d,", i, x.choices[i].taken);
  printf("\n");
}

/* --- the program ------------------------------------------------------------------------------ */
static struct {
  int preemptions;
  int model, bug; /* numbered from 1; 0: all models, without and with their bugs */
  long max;
  const char *replay;
  bool prints_bugs;
} options = {.preemptions = 2, .max = 3000000};

static void read_options(int argc, char **argv) {
  for (int i = 1; i < argc; i += 2) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(name, "--preemptions") == 0)
      options.preemptions = atoi(value);
    else if (strcmp(name, "--most") == 0)
      options.max = atol(value);
    else if (strcmp(name, "--model") == 0)
      options.model = atoi(value);
    else if (strcmp(name, "--bug") == 0)
      options.bug = atoi(value);
    else if (strcmp(name, "--replay") == 0)
      options.replay = value;
    else if (strcmp(name, "--tell") == 0)
      options.prints_bugs = strcmp(value, "bugs") == 0;
    else {
      fprintf(stderr,
              "usage: %s [--preemptions 2] [--most SCHEDULES] [--model NUMBER [--bug NUMBER]]\n"
              "  [--replay NUMBERS] [--tell bugs]\n",
              argv[0]);
      exit(2);
    }
  }
}

/* "17:1,23:2,": choice 17 takes alternative 1, choice 23 takes 2, and every other one takes 0. */
static void read_choices(const char *p) {
  int at, taken, len;
  memset(x.choices, 0, sizeof x.choices);
  x.fixed = 0;
  for (; sscanf(p, "%d:%d,%n", &at, &taken, &len) == 2 && at < MAX_CHOICES; p += len) {
    x.choices[at].taken = (unsigned char)taken;
    x.fixed = at + 1;
  }
}

static int replay(void) {
  read_choices(options.replay);
  x.prints_steps = true;
  x.max_preemptions = options.preemptions;
  bool ok = run_schedule();
  if (!ok) print_failure();
  printf("%s %s\n", ok ? "ok" : "not ok", x.model->says);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool explore_model(const char *program, int number) {
  outcome o = run_up_to(options.preemptions, options.max);
  if (o.failed) {
    print_failure();
    print_replay(program, number, 0);
  }
  bool all = o.schedules < options.max;
  printf("%s %s (%ld schedules%s)\n", o.failed ? "not ok" : "ok", x.model->says, o.schedules,
         all ? "" : ", not all");
  return !o.failed;
}

static bool explore_bug(const char *program, int number, int bug_number) {
  x.bug = &x.model->bugs[bug_number - 1];
  outcome o = run_up_to(options.preemptions, options.max);
  if (o.failed && options.prints_bugs) {
    print_failure();
    print_replay(program, number, bug_number);
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
  install_signal_handlers();
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
