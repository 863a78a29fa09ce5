/* base/thread.c - what is behind the words of base/base.h. */
#include "base/base.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* --- chaos ---------------------------------------------------------------------
** RT_CHAOS=steal,preempt,short-io,alloc,delay   RT_SEED=n replays it; whoever gives it knows it, and
** the program writes what it writes without chaos. */
#if RT_DEBUG

static const char *const chaos_names[] = {"steal", "preempt", "short-io", "alloc", "delay"};
static struct {
  pthread_once_t once;
  unsigned enabled;
  uint64_t seed;
  rt_atomic(uint64_t) threads; /* each has chances of its own */
} chaos = {.once = PTHREAD_ONCE_INIT};

static _Thread_local rt_random chaos_random;

static void chaos_init(void) {
  const char *spec = getenv("RT_CHAOS");
  if (spec == NULL) return;
  for (size_t i = 0; i < rt_countof(chaos_names); i++)
    if (strstr(spec, chaos_names[i])) chaos.enabled |= 1u << i;
  chaos.seed = rt_random_seed();
  if (getenv("RT_SEED") == NULL)
    fprintf(stderr, "rt: chaos %s, replay with RT_SEED=%llu\n", spec,
            (unsigned long long)chaos.seed);
}

bool rt_chaos_strikes(rt_chaos what) {
  static const unsigned one_in[] = {2, 3, 3, 200, 8};
  pthread_once(&chaos.once, chaos_init);
  if (rt_likely((chaos.enabled & (1u << what)) == 0)) return false;
  if (chaos_random.state == 0) chaos_random.state = chaos.seed + rt_add(&chaos.threads, 1);
  return rt_random_next(&chaos_random) % one_in[what] == 0;
}

/* Most often for about as long as it takes to wake up; now and then for much longer. */
void rt_chaos_delay(void) {
  if (!rt_chaos_strikes(RT_CHAOS_DELAY)) return;
  uint64_t r = rt_random_next(&chaos_random);
  usleep(r % 16 == 0 ? 5000 : (useconds_t)(r >> 32 & 127));
}

#endif

/* --- memory ---------------------------------------------------------------------- */
#if RT_DEBUG

static struct { rt_atomic(long) count, first, width, blocks; } alloc;

void rt_alloc_fail(long nth, long width) {
  rt_store(&alloc.first, 0);
  rt_store(&alloc.count, 0);
  rt_store(&alloc.width, width);
  rt_store(&alloc.first, nth);
}

long rt_alloc_count(void) { return rt_load(&alloc.count); }
long rt_alloc_blocks(void) { return rt_load(&alloc.blocks); }

static bool is_refused(void) {
  long n = rt_add(&alloc.count, 1) + 1, first = rt_load(&alloc.first);
  bool refused = first > 0 && n >= first && n - first < rt_load(&alloc.width);
  return refused || rt_chaos_strikes(RT_CHAOS_ALLOC);
}

static void *counted(void *p) {
  if (p) rt_add(&alloc.blocks, 1);
  return p;
}

static void forget(void *p) {
  if (p) rt_sub(&alloc.blocks, 1);
}

#else
#define is_refused() false
#define counted(p) (p)
#define forget(p) ((void)0)
#endif

void *rt_malloc(size_t size) { return is_refused() ? NULL : counted(malloc(size)); }

void *rt_calloc(size_t size) { return is_refused() ? NULL : counted(calloc(1, size)); }

void *rt_realloc(void *p, size_t size) {
  if (is_refused()) return NULL;
  return p ? realloc(p, size) : counted(malloc(size));
}

void rt_free(void *p) {
  forget(p);
  free(p);
}

/* --- time -------------------------------------------------------------------------- */
static uint64_t read_clock(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * RT_SECOND + (uint64_t)t.tv_nsec;
}

#if RT_DEBUG
static struct {
  pthread_once_t once;
  bool is_virtual;
  rt_atomic(uint64_t) now;
} virtual_clock = {.once = PTHREAD_ONCE_INIT};

static void virtual_clock_init(void) {
  const char *which = getenv("RT_CLOCK");
  virtual_clock.is_virtual = which && strcmp(which, "virtual") == 0;
  rt_store(&virtual_clock.now, RT_SECOND);
}

bool rt_clock_is_virtual(void) {
  pthread_once(&virtual_clock.once, virtual_clock_init);
  return virtual_clock.is_virtual;
}

void rt_clock_advance(uint64_t to) {
  uint64_t now = rt_load(&virtual_clock.now);
  while (to > now && !rt_cas(&virtual_clock.now, &now, to)) {}
}

#define virtual_now() rt_load(&virtual_clock.now)
#else
#define virtual_now() 0
#endif

uint64_t rt_clock(void) {
  return rt_clock_is_virtual() ? virtual_now() : read_clock(CLOCK_MONOTONIC);
}

uint64_t rt_clock_coarse(void) {
  if (rt_clock_is_virtual()) return virtual_now();
#ifdef CLOCK_MONOTONIC_COARSE
  return read_clock(CLOCK_MONOTONIC_COARSE);
#else
  return read_clock(CLOCK_MONOTONIC);
#endif
}

/* --- chance -------------------------------------------------------------------------- */
uint64_t rt_random_seed(void) {
  const char *fixed = getenv("RT_SEED");
  uint64_t seed = 0;
  if (fixed) seed = strtoull(fixed, NULL, 0);
  if (seed == 0 && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = rt_clock() * 0x9e3779b97f4a7c15ull;
  return seed | 1;
}

/* splitmix64: one word of state, passes the usual tests, never stuck */
uint64_t rt_random_next(rt_random *r) {
  uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/* --- locks ----------------------------------------------------------------------------- */
static void must(int err) {
  if (rt_unlikely(err != 0)) abort(); /* a lock that is no lock: nothing can go on */
}

/* They are held for some nanoseconds: to look again is cheaper than to sleep. */
int rt_lock_init(rt_lock *l) {
#ifdef __GLIBC__
  pthread_mutexattr_t attr;
  int err = pthread_mutexattr_init(&attr);
  if (err != 0) return -err;
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
  err = pthread_mutex_init(l, &attr);
  pthread_mutexattr_destroy(&attr);
  return -err;
#else
  return -pthread_mutex_init(l, NULL);
#endif
}
void rt_lock_close(rt_lock *l) { must(pthread_mutex_destroy(l)); }
void rt_lock_take(rt_lock *l) { must(pthread_mutex_lock(l)); }
void rt_lock_give(rt_lock *l) { must(pthread_mutex_unlock(l)); }

int rt_cond_init(rt_cond *c) {
  pthread_condattr_t attr;
  int err = pthread_condattr_init(&attr);
  if (err != 0) return -err;
#ifndef __APPLE__
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
  err = pthread_cond_init(c, &attr);
  pthread_condattr_destroy(&attr);
  return -err;
}

void rt_cond_close(rt_cond *c) { must(pthread_cond_destroy(c)); }
void rt_cond_signal(rt_cond *c) { must(pthread_cond_signal(c)); }
void rt_cond_broadcast(rt_cond *c) { must(pthread_cond_broadcast(c)); }
void rt_cond_wait(rt_cond *c, rt_lock *l) { must(pthread_cond_wait(c, l)); }

bool rt_cond_wait_until(rt_cond *c, rt_lock *l, uint64_t clock) {
  if (rt_clock_is_virtual()) clock += read_clock(CLOCK_MONOTONIC) - virtual_now();
  struct timespec t = {(time_t)(clock / RT_SECOND), (long)(clock % RT_SECOND)};
  int err = pthread_cond_timedwait(c, l, &t);
  if (err != ETIMEDOUT) must(err);
  return err == 0;
}

/* --- threads ------------------------------------------------------------------------------ */
struct starter {
  void (*f)(void *);
  void *arg;
};

static void *thread_main(void *p) {
  struct starter s = *(struct starter *)p;
  rt_free(p);
  s.f(s.arg);
  return NULL;
}

/* Signals are for the thread that the program began with: a thread of ours takes
** none but those meant for it (the preemption tick) and those of its own faults. */
static int start_without_signals(rt_thread *t, pthread_attr_t *attr, struct starter *s) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGURG);
  sigdelset(&all, SIGSEGV);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGFPE);
  sigdelset(&all, SIGILL);
  sigdelset(&all, SIGABRT);
  sigdelset(&all, SIGTRAP);
  sigdelset(&all, SIGPROF);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int err = pthread_create(t, attr, thread_main, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -err;
}

int rt_thread_start(rt_thread *t, size_t stack, void (*f)(void *), void *arg) {
  pthread_attr_t attr;
  struct starter *s = rt_malloc(sizeof *s);
  if (s == NULL) return -ENOMEM;
  *s = (struct starter){f, arg};
  int err = -pthread_attr_init(&attr);
  if (err != 0) goto no_attr;
  if ((err = -pthread_attr_setstacksize(&attr, stack)) != 0) goto no_thread;
  if ((err = start_without_signals(t, &attr, s)) != 0) goto no_thread;
  pthread_attr_destroy(&attr);
  return 0;
no_thread:
  pthread_attr_destroy(&attr);
no_attr:
  rt_free(s);
  return err;
}

void rt_thread_detach(rt_thread t) { must(pthread_detach(t)); }
void rt_thread_join(rt_thread t) { must(pthread_join(t, NULL)); }
void rt_thread_yield(void) { sched_yield(); }

void rt_thread_sleep(uint64_t ns) {
  struct timespec t = {(time_t)(ns / RT_SECOND), (long)(ns % RT_SECOND)};
  nanosleep(&t, NULL);
}

rt_thread rt_thread_self(void) { return pthread_self(); }
bool rt_thread_is(rt_thread t) { return pthread_equal(t, pthread_self()) != 0; }
