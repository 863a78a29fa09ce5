/* base/base.h - the platform: memory, clock, random numbers, atomics, locks, threads.
**
** Every file of rt reaches these through the names declared here. A build can then put something
** else behind a name: allocations that fail, delayed wake-ups, a virtual clock, or an explorer of
** thread schedules (spec/model). Outside of base/ no file includes <stdatomic.h>, <pthread.h> or
** <time.h>; 'make layers' checks that.
**
** Implemented in alloc.c, clock.c, random.c, chaos.c, system_error.c and thread.c.
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

/* 1 in debug builds (debug, asan, tsan, tight), which check assertions and can inject faults. */
#ifndef RT_DEBUG
#define RT_DEBUG 0
#endif

/* A capacity: 'normal', or 'tight' in the tight build, where every queue, pool and buffer is so
** small that tests reach its limits all the time. */
#ifdef RT_TIGHT
#define RT_SIZE(normal, tight) (tight)
#else
#define RT_SIZE(normal, tight) (normal)
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
#define rt_noinline __attribute__((noinline)) /* keeps a rare path out of its hot caller */

/* --- memory ----------------------------------------------------------------------------------- */
/* As malloc, calloc, realloc and free. Any thread. NULL: no memory. */
void *rt_malloc(size_t size);
void *rt_calloc(size_t size);
void *rt_realloc(void *p, size_t size);
void rt_free(void *p);

#if RT_DEBUG
/* For spec/ground/oom.c, which lets every allocation of a program fail in turn. Any thread.
** rt_alloc_fail: counting from this call, the allocations nth to nth + width - 1 return NULL;
** nth = 0: none does. rt_alloc_count: how many allocations there were since that call.
** rt_alloc_blocks: how many blocks of this process are not freed. */
void rt_alloc_fail(long nth, long width);
long rt_alloc_count(void);
long rt_alloc_blocks(void);
#endif

/* --- errors of the system --------------------------------------------------------------------- */
/* The name and the text of an error, UV_E… or a negative errno, which libuv may not know. Any
** thread; nothing is allocated. */
const char *rt_system_error_name(int err); /* "ENOSR"; "UNKNOWN": no name is known */
const char *rt_system_error_text(int err);

/* --- time ------------------------------------------------------------------------------------- */
#define RT_SECOND 1000000000ull
#define RT_MILLISECOND 1000000ull
/* Nanoseconds of a monotonic clock. Any thread, and signal handlers. */
uint64_t rt_clock(void);
/* The same, but up to about 4 ms behind, at a seventh of the cost. */
uint64_t rt_clock_coarse(void);
/* Nanoseconds of CPU time of the calling thread. Always 0 if the clock is virtual. */
uint64_t rt_clock_thread(void);

#if RT_DEBUG
/* With RT_CLOCK=virtual, rt_clock stands still until rt_clock_advance moves it forward (it never
** goes back); see base/virtual_time.h. rt_clock_to_os: the time of the system's monotonic clock at
** which rt_clock would read 'clock' if it advanced at the system's pace. */
bool rt_clock_is_virtual(void);
void rt_clock_advance(uint64_t to);
uint64_t rt_clock_to_os(uint64_t clock);
#else
#define rt_clock_is_virtual() false
#define rt_clock_to_os(clock) (clock)
#endif

/* --- random numbers --------------------------------------------------------------------------- */
typedef struct rt_random {
  uint64_t state; /* 0: not seeded */
} rt_random;
uint64_t rt_random_seed(void); /* RT_SEED if it is set, else from the system; never 0 */
uint64_t rt_random_next(rt_random *r);

/* --- chaos: in debug builds, the faults that RT_CHAOS names ----------------------------------- */
typedef enum rt_chaos {
  RT_CHAOS_STEAL,   /* steal a job from another worker whenever that is possible */
  RT_CHAOS_PREEMPT, /* preempt tasks after a random number of instructions */
  RT_CHAOS_SHORTIO, /* reads and writes of one byte */
  RT_CHAOS_ALLOC,   /* allocations that fail */
  RT_CHAOS_DELAY    /* a pause where another thread may come first */
} rt_chaos;
#if RT_DEBUG
bool rt_chaos_is_due(rt_chaos what); /* any thread: is this fault to happen now? */
void rt_chaos_delay(void); /* for places where the order of two threads matters: may sleep */
#else
#define rt_chaos_delay() ((void)0)
#define rt_chaos_is_due(what) ((void)(what), false)
#endif

/* --- atomics ---------------------------------------------------------------------------------- */
/* Sequentially consistent unless the name says otherwise. A weaker order is used in few places;
** each has a comment that says what may be reordered and why that is harmless. */
#define rt_atomic(type) _Atomic(type)
#define rt_atomic_init(p, v) atomic_init(p, v) /* before another thread can see it */
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

/* Tells the CPU that this is a loop which waits for another thread. */
#if defined(__x86_64__) || defined(__i386__)
#define rt_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define rt_relax() __asm__ volatile("yield")
#else
#define rt_relax() ((void)0)
#endif

/* --- locks ------------------------------------------------------------------------------------ */
typedef pthread_mutex_t rt_lock;
typedef pthread_cond_t rt_cond;
#define RT_LOCK_INIT PTHREAD_MUTEX_INITIALIZER
int rt_lock_init(rt_lock *l); /* 0 or a negative errno (as UV_E…) */
void rt_lock_close(rt_lock *l);
void rt_lock_take(rt_lock *l);
void rt_lock_give(rt_lock *l);
int rt_cond_init(rt_cond *c); /* 0 or a negative errno */
void rt_cond_close(rt_cond *c);
void rt_cond_signal(rt_cond *c);
void rt_cond_broadcast(rt_cond *c);
void rt_cond_wait(rt_cond *c, rt_lock *l);
/* Waits until rt_clock reads 'clock' at the latest. False: that time has come. */
bool rt_cond_wait_until(rt_cond *c, rt_lock *l, uint64_t clock);

/* --- threads ---------------------------------------------------------------------------------- */
typedef pthread_t rt_thread;
/* Starts a thread that runs f(arg), with so many bytes of stack. 0 or a negative errno. The caller
** must join or detach it. */
int rt_thread_start(rt_thread *thread, size_t stack, void (*f)(void *), void *arg);
void rt_thread_detach(rt_thread thread);
void rt_thread_join(rt_thread thread);
void rt_thread_yield(void);
void rt_thread_sleep(uint64_t ns);
rt_thread rt_thread_self(void);
bool rt_thread_is_current(rt_thread thread); /* is it the calling one? */

/* The model build (spec/model) names a header that replaces the names above by ones at which
** another simulated thread may be resumed. */
#ifdef RT_MODEL
#include RT_MODEL
#endif

#endif
