#include "platform.h"

/* This file defines the functions, so it must not have the macros of base_hooks.h. */
#undef rt_lock_take
#undef rt_cond_wait
#undef rt_cond_wait_until
#undef rt_cond_signal
#undef rt_thread_join
#undef rt_thread_yield
#undef rt_chaos_delay

static const model_place unknown = {"rt_lock_give", 0};
static const model_place *call_place = &unknown;

void model_at(const model_place *at) { call_place = at; }

/* --- memory: a freed block is not allocated again in the same schedule ------------------------ */
enum { FREED = 0xdd, ARENA = 1 << 20, GRAIN = 16 };

typedef struct block {
  size_t size; /* in grains, with this header */
  bool freed;
  _Alignas(GRAIN) char bytes[];
} block;

static _Alignas(GRAIN) char arena[ARENA];
static bool is_freed[ARENA / GRAIN];
static size_t used;

static block *block_of(const void *p) { return rt_containerof(p, block, bytes); }

static size_t bytes_in(const block *b) { return b->size * GRAIN - sizeof *b; }

void *rt_malloc(size_t size) {
  block *b = (block *)(void *)(arena + used);
  size_t grains = (sizeof *b + size + GRAIN - 1) / GRAIN;
  if (used + grains * GRAIN > ARENA) model_fail("too much memory");
  *b = (block){grains, false};
  used += grains * GRAIN;
  return b->bytes;
}

void *rt_calloc(size_t size) { return memset(rt_malloc(size), 0, size); }

void rt_free(void *p) {
  if (p == NULL) return;
  block *b = block_of(p);
  if (b->freed) model_fail("a block is freed twice");
  b->freed = true;
  memset(b->bytes, FREED, bytes_in(b));
  memset(&is_freed[(b->bytes - arena) / GRAIN], true, bytes_in(b) / GRAIN);
}

void *rt_realloc(void *p, size_t size) {
  void *q = rt_malloc(size);
  if (p) memcpy(q, p, bytes_in(block_of(p)) < size ? bytes_in(block_of(p)) : size);
  rt_free(p);
  return q;
}

void memory_check(const model_place *at, const volatile void *p) {
  size_t offset = (size_t)((const volatile char *)p - arena);
  if (offset < ARENA && is_freed[offset / GRAIN])
    model_fail("%s, line %d: it has been freed", at->text, at->line);
}

static bool is_untouched(const block *b) {
  size_t n = bytes_in(b);
  return n == 0 ||
         ((unsigned char)b->bytes[0] == FREED && memcmp(b->bytes, b->bytes + 1, n - 1) == 0);
}

static void check_block(const block *b) {
  if (!b->freed) model_fail("a block of about %zu bytes is left", bytes_in(b));
  if (!is_untouched(b)) model_fail("a block was written to after it was freed");
}

/* --- time, chance, chaos ---------------------------------------------------------------------- */
static uint64_t now;

void platform_pass_time(uint64_t until) {
  if (now < until) now = until;
}

uint64_t rt_clock(void) { return now; }
uint64_t rt_clock_coarse(void) { return now; }
bool rt_clock_is_virtual(void) {
  return false;
} /* (that is for whole programs: base/virtual_time.h) */
void rt_clock_advance(uint64_t to) { (void)to; }
uint64_t rt_random_seed(void) { return 1; }
uint64_t rt_random_next(rt_random *r) { return ++r->state; }
bool rt_chaos_is_due(rt_chaos what) { return (void)what, false; }
void rt_chaos_delay(void) { model_point(call_place, NULL); }

/* --- a schedule ------------------------------------------------------------------------------- */
void memory_begin(void) { now = RT_SECOND; }

void memory_end(bool failed) {
  const block *b;
  for (size_t at = 0; at < used && !failed; at += b->size * GRAIN)
    check_block(b = (const block *)(const void *)(arena + at));
  memset(is_freed, false, used / GRAIN);
  used = 0;
}

/* --- locks ------------------------------------------------------------------------------------ */
/* Is in the memory of the rt_lock. */
typedef struct lock {
  int holder; /* 0: free; 1 + the number of the fiber that has it; MAIN: begin or end; or CLOSED */
} lock;
enum { MAIN = FIBERS + 1, CLOSED };

static lock *lock_of(rt_lock *l) { return (lock *)(void *)l; }

static int holder_here(void) { return fiber_here() < 0 ? MAIN : fiber_here() + 1; }

static bool is_given(void *l) { return ((lock *)l)->holder == 0; }

int rt_lock_init(rt_lock *l) {
  lock_of(l)->holder = 0;
  return 0;
}

void rt_lock_close(rt_lock *l) {
  if (lock_of(l)->holder != 0) model_fail("a lock is closed, but not free");
  lock_of(l)->holder = CLOSED;
}

static void lock_take(rt_lock *l, const model_place *at) {
  if (lock_of(l)->holder == CLOSED)
    model_fail("%s, line %d: the lock was closed", at->text, at->line);
  if (bug_is_at(BUG_NOT_LOCKED, at)) return;
  if (lock_of(l)->holder == holder_here())
    model_fail("%s, line %d: it has it already", at->text, at->line);
  fiber_wait(at, is_given, l, false);
  memory_check(at, l);
  lock_of(l)->holder = holder_here();
}

void rt_lock_take(rt_lock *l) {
  const model_place *at = call_place;
  model_point(at, l);
  lock_take(l, at);
}

void rt_lock_give(rt_lock *l) {
  memory_check(&unknown, l);
  if (lock_of(l)->holder == holder_here()) lock_of(l)->holder = 0;
}

/* --- conditions ------------------------------------------------------------------------------- */
static rt_cond *waits_for[FIBERS]; /* the condition for which each fiber waits, or NULL */

int rt_cond_init(rt_cond *c) { return (void)c, 0; }
void rt_cond_close(rt_cond *c) {
  for (int i = 0; i < FIBERS; i++)
    if (waits_for[i] == c) model_fail("a condition is closed while a fiber waits for it");
}

static bool is_signalled(void *fiber) { return *(rt_cond **)fiber == NULL; }

static bool cond_wait(rt_cond *c, rt_lock *l, bool timed) {
  const model_place *at = call_place;
  rt_cond **mine = &waits_for[fiber_here()];
  model_point(at, c);
  *mine = c;
  rt_lock_give(l);
  bool signalled = fiber_wait(at, is_signalled, mine, timed);
  *mine = NULL;
  lock_take(l, at);
  return signalled;
}

void rt_cond_wait(rt_cond *c, rt_lock *l) { cond_wait(c, l, false); }

bool rt_cond_wait_until(rt_cond *c, rt_lock *l, uint64_t clock) {
  bool signalled = cond_wait(c, l, true);
  if (!signalled) platform_pass_time(clock);
  return signalled;
}

/* Which one of several fibers is woken is a choice. */
void rt_cond_signal(rt_cond *c) {
  const model_place *at = call_place;
  int waiting[FIBERS], n = 0;
  model_change(at, c);
  for (int i = 0; i < FIBERS; i++)
    if (waits_for[i] == c) waiting[n++] = i;
  if (n > 0 && !model_is_not_written(at)) waits_for[waiting[fiber_choose(n)]] = NULL;
}

void rt_cond_broadcast(rt_cond *c) {
  model_change(call_place, c);
  for (int i = 0; i < FIBERS; i++)
    if (waits_for[i] == c) waits_for[i] = NULL;
}

/* --- threads ---------------------------------------------------------------------------------- */
int rt_thread_start(rt_thread *thread, size_t stack, void (*f)(void *), void *arg) {
  (void)stack;
  int number = fiber_start(NULL, f, arg);
  *thread = (rt_thread)number;
  return 0;
}

static bool has_ended(void *t) { return fiber_ended((int)*(rt_thread *)t); }

void rt_thread_detach(rt_thread thread) { (void)thread; }
void rt_thread_join(rt_thread thread) { fiber_wait(call_place, has_ended, &thread, false); }
rt_thread rt_thread_self(void) { return (rt_thread)fiber_here(); }
bool rt_thread_is_current(rt_thread thread) { return thread == rt_thread_self(); }

static bool has_changed(void *since) { return fiber_changes() != *(uint64_t *)since; }

/* A fiber that yields waits for something: it continues when another one has changed something. */
void rt_thread_yield(void) {
  uint64_t since = fiber_changes();
  fiber_wait(call_place, has_changed, &since, false);
}
