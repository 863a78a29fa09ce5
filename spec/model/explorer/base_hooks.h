/* spec/model/explorer/base_hooks.h - the names of base/base.h in the model build: each is a point
** at which another fiber may be resumed (explore.h), and a place where a bug can be seeded.
**
** base/base.h includes this file at its end, when RT_MODEL is defined. What base.h declares as
** functions (locks, threads, memory, the clock) is defined in platform.c; the macros here only say
** from which place it is called.
*/
#ifndef RT_MODEL_BASE_HOOKS_H
#define RT_MODEL_BASE_HOOKS_H

typedef struct model_place {
  const char *text; /* "src/sync/channel.c: rt_lock_take(&c->lock)" */
  int line;
} model_place;

/* Called before shared memory is read, and before it is changed. */
void model_point(const model_place *at, const volatile void *what);
void model_change(const model_place *at, const volatile void *what);
_Noreturn void model_fail(const char *why, ...) __attribute__((format(printf, 1, 2)));

/* Is this bug seeded at this place? See bug_kind in explore.h. */
bool model_is_not_atomic(const model_place *at);
bool model_is_not_read(const model_place *at);
bool model_is_not_written(const model_place *at);

#define MODEL_PLACE(word, what)                                                   \
  ({                                                                              \
    static const model_place here = {__FILE__ ": " word "(" #what ")", __LINE__}; \
    &here;                                                                        \
  })

/* --- assertions ------------------------------------------------------------------------------- */
#undef rt_assert
#define rt_assert(what) \
  ((what) ? (void)0 : model_fail("%s:%d: it is not true that %s", __FILE__, __LINE__, #what))

/* --- atomics ---------------------------------------------------------------------------------- */
#undef rt_load
#undef rt_load_acquire
#undef rt_load_relaxed
#undef rt_store
#undef rt_store_release
#undef rt_store_relaxed
#undef rt_swap
#undef rt_cas
#undef rt_add
#undef rt_sub
#undef rt_add_relaxed
#undef rt_or
#undef rt_and

#define MODEL_LOAD(word, p)                                                    \
  ({                                                                           \
    const model_place *at_ = MODEL_PLACE(word, p);                             \
    __typeof__(p) p_ = (p);                                                    \
    model_point(at_, p_);                                                      \
    model_is_not_read(at_) ? (__typeof__(atomic_load(p_)))0 : atomic_load(p_); \
  })
#define MODEL_STORE(word, p, v)                           \
  ({                                                      \
    const model_place *at_ = MODEL_PLACE(word, p);        \
    __typeof__(p) p_ = (p);                               \
    __typeof__(atomic_load(p_)) v_ = (v);                 \
    model_change(at_, p_);                                \
    if (!model_is_not_written(at_)) atomic_store(p_, v_); \
  })
/* new_value: an expression of v_ and of the old value, old_. */
#define MODEL_CHANGE(word, p, v, new_value)                      \
  ({                                                             \
    const model_place *at_ = MODEL_PLACE(word, p);               \
    __typeof__(p) p_ = (p);                                      \
    __typeof__(atomic_load(p_)) v_ = (v);                        \
    model_change(at_, p_);                                       \
    __typeof__(atomic_load(p_)) old_ = atomic_load(p_);          \
    if (model_is_not_atomic(at_)) model_change(at_, p_);         \
    if (!model_is_not_written(at_)) atomic_store(p_, new_value); \
    old_;                                                        \
  })

#define rt_load(p) MODEL_LOAD("rt_load", p)
#define rt_load_acquire(p) MODEL_LOAD("rt_load_acquire", p)
#define rt_load_relaxed(p) MODEL_LOAD("rt_load_relaxed", p)
#define rt_store(p, v) MODEL_STORE("rt_store", p, v)
#define rt_store_release(p, v) MODEL_STORE("rt_store_release", p, v)
#define rt_store_relaxed(p, v) MODEL_STORE("rt_store_relaxed", p, v)
#define rt_swap(p, v) MODEL_CHANGE("rt_swap", p, v, v_)
#define rt_add(p, n) MODEL_CHANGE("rt_add", p, n, old_ + v_)
#define rt_sub(p, n) MODEL_CHANGE("rt_sub", p, n, old_ - v_)
#define rt_add_relaxed(p, n) MODEL_CHANGE("rt_add_relaxed", p, n, old_ + v_)
#define rt_or(p, bits) MODEL_CHANGE("rt_or", p, bits, old_ | v_)
#define rt_and(p, bits) MODEL_CHANGE("rt_and", p, bits, old_ &v_)
#define rt_cas(p, expected, v)                           \
  ({                                                     \
    const model_place *at_ = MODEL_PLACE("rt_cas", p);   \
    __typeof__(p) p_ = (p);                              \
    __typeof__(expected) expected_ = (expected);         \
    __typeof__(atomic_load(p_)) v_ = (v);                \
    model_change(at_, p_);                               \
    __typeof__(atomic_load(p_)) old_ = atomic_load(p_);  \
    bool same_ = old_ == *expected_;                     \
    if (model_is_not_atomic(at_)) model_change(at_, p_); \
    if (!same_)                                          \
      *expected_ = old_;                                 \
    else if (!model_is_not_written(at_))                 \
      atomic_store(p_, v_);                              \
    same_;                                               \
  })

/* --- locks and threads: the place of a call --------------------------------------------------- */
void model_at(const model_place *at);

#define rt_lock_take(l) (model_at(MODEL_PLACE("rt_lock_take", l)), rt_lock_take(l))
#define rt_cond_wait(c, l) (model_at(MODEL_PLACE("rt_cond_wait", c)), rt_cond_wait(c, l))
#define rt_cond_wait_until(c, l, t) \
  (model_at(MODEL_PLACE("rt_cond_wait_until", c)), rt_cond_wait_until(c, l, t))
#define rt_cond_signal(c) (model_at(MODEL_PLACE("rt_cond_signal", c)), rt_cond_signal(c))
#define rt_thread_join(t) (model_at(MODEL_PLACE("rt_thread_join", t)), rt_thread_join(t))
#define rt_thread_yield() (model_at(MODEL_PLACE("rt_thread_yield", )), rt_thread_yield())
#define rt_chaos_delay() (model_at(MODEL_PLACE("rt_chaos_delay", )), rt_chaos_delay())

/* All fibers are one thread; the thread-local variables are in a section of their own, which is
** saved and restored when fibers are switched. */
#define _Thread_local __attribute__((section("fiber_local")))

#endif
