/* base/base.h - the words every room uses.
**
** Atomics, locks, the clock, the random source and the allocator are reached
** through names of our own.  A build can then put something else behind them:
** failing allocations, delayed wake-ups, a clock that a test moves by hand, an
** explorer of thread schedules.  No other file includes <stdatomic.h>,
** <pthread.h> or <time.h>.
*/
#ifndef RT_BASE_BASE_H
#define RT_BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RT_VERSION "0.1.0"

/* Debug builds (asan, tsan, tight) check what release builds believe. */
#ifndef RT_DEBUG
#define RT_DEBUG 0
#endif

/* The tight build makes every queue, pool and buffer small, so that the edges
** are met all the time. */
#ifdef RT_TIGHT
#define RT_SIZE(roomy, tight) (tight)
#else
#define RT_SIZE(roomy, tight) (roomy)
#endif

#if RT_DEBUG
#define rt_assert(what) assert(what)
#else
#define rt_assert(what) ((void)sizeof(what))
#endif

#define rt_containerof(ptr, type, field) ((type *)((char *)(ptr)-offsetof(type, field)))
#define rt_countof(array) (sizeof(array) / sizeof((array)[0]))
#define rt_likely(x) __builtin_expect(!!(x), 1)
#define rt_unlikely(x) __builtin_expect(!!(x), 0)
#define rt_noinline __attribute__((noinline)) /* so that a hot caller stays small */

/* --- memory: as malloc and friends; NULL when there is none ----------------- */
void *rt_malloc(size_t size);
void *rt_calloc(size_t size);
void *rt_realloc(void *p, size_t size);
void rt_free(void *p);

#if RT_DEBUG
/* For the sweep of spec/ground/oom.c, any thread: of the allocations from now on, the
** nth and those after it, 'width' in all, find no memory (nth 0: none).  How many there
** were since then, and how many blocks have not been freed. */
void rt_alloc_fail(long nth, long width);
long rt_alloc_count(void);
long rt_alloc_blocks(void);
#endif

/* --- time ------------------------------------------------------------------- */
#define RT_SECOND 1000000000ull
#define RT_MILLISECOND 1000000ull
uint64_t rt_clock(void);        /* monotonic nanoseconds */
uint64_t rt_clock_coarse(void); /* the same to about 4 ms, at a seventh of the price */

#if RT_DEBUG
/* RT_CLOCK=virtual: time stands still until somebody moves it; see base/virtual_time.h. */
bool rt_clock_is_virtual(void);
void rt_clock_advance(uint64_t to); /* never back */
#else
#define rt_clock_is_virtual() false
#endif

/* --- chance ------------------------------------------------------------------ */
typedef struct rt_random {
  uint64_t state;
} rt_random;
uint64_t rt_random_seed(void); /* RT_SEED, or something nobody can guess */
uint64_t rt_random_next(rt_random *r);

/* --- chaos: only debug builds have it, and only when RT_CHAOS names it --------- */
typedef enum rt_chaos {
  RT_CHAOS_STEAL,   /* take from another worker whenever it is possible */
  RT_CHAOS_PREEMPT, /* switch tasks at random counts */
  RT_CHAOS_SHORTIO, /* reads and writes of one byte */
  RT_CHAOS_ALLOC,   /* allocations that fail */
  RT_CHAOS_DELAY    /* wake-ups that come late */
} rt_chaos;
#if RT_DEBUG
bool rt_chaos_strikes(rt_chaos what);
void rt_chaos_delay(void); /* where somebody else may come first, it gets time to */
#else
#define rt_chaos_delay() ((void)0)
#define rt_chaos_strikes(what) ((void)(what), false)
#endif

/* --- atomics ------------------------------------------------------------------
** Sequentially consistent unless the name says otherwise: the places where a
** weaker order pays are few, and those say why. */
#define rt_atomic(type) _Atomic(type)
#define rt_load(p) atomic_load(p)
#define rt_load_acquire(p) atomic_load_explicit(p, memory_order_acquire)
#define rt_load_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)
#define rt_store(p, v) atomic_store(p, v)
#define rt_store_release(p, v) atomic_store_explicit(p, v, memory_order_release)
#define rt_store_relaxed(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define rt_swap(p, v) atomic_exchange(p, v)
#define rt_cas(p, expected, v) atomic_compare_exchange_strong(p, expected, v)
#define rt_add(p, n) atomic_fetch_add(p, n)
#define rt_sub(p, n) atomic_fetch_sub(p, n)
#define rt_add_relaxed(p, n) atomic_fetch_add_explicit(p, n, memory_order_relaxed)
#define rt_or(p, bits) atomic_fetch_or(p, bits)
#define rt_and(p, bits) atomic_fetch_and(p, bits)

/* for a loop that waits for another thread */
#if defined(__x86_64__) || defined(__i386__)
#define rt_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define rt_relax() __asm__ volatile("yield")
#else
#define rt_relax() ((void)0)
#endif

/* --- locks --------------------------------------------------------------------- */
typedef pthread_mutex_t rt_lock;
typedef pthread_cond_t rt_cond;
#define RT_LOCK_INIT PTHREAD_MUTEX_INITIALIZER
int rt_lock_init(rt_lock *l); /* 0 or a negative errno, as UV_E… */
void rt_lock_close(rt_lock *l);
void rt_lock_take(rt_lock *l);
void rt_lock_give(rt_lock *l);
int rt_cond_init(rt_cond *c); /* waits by the monotonic clock */
void rt_cond_close(rt_cond *c);
void rt_cond_signal(rt_cond *c);
void rt_cond_broadcast(rt_cond *c);
void rt_cond_wait(rt_cond *c, rt_lock *l);
bool rt_cond_wait_until(rt_cond *c, rt_lock *l, uint64_t clock); /* false: the time came first */

/* --- threads ------------------------------------------------------------------- */
typedef pthread_t rt_thread;
int rt_thread_start(rt_thread *t, size_t stack, void (*f)(void *), void *arg);
void rt_thread_detach(rt_thread t);
void rt_thread_join(rt_thread t);
void rt_thread_yield(void);
void rt_thread_sleep(uint64_t ns);
rt_thread rt_thread_self(void);
bool rt_thread_is(rt_thread t); /* is it this one? */

/* The model build (spec/model) names a file that puts points between the words, where another
** thread may go on. */
#ifdef RT_MODEL
#include RT_MODEL
#endif

#endif
