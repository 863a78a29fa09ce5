/* worker/worker.h - a worker: one thread, one Lua state, one driver.
**
** This file has the record of a worker, and makes and frees it; run/loop.c runs it in between. The
** worker of a state is a userdata in the registry of Lua, and upvalue 1 of every function that rt
** gives to Lua. Unless it says otherwise, a function with a worker as argument runs on that
** worker's thread.
*/
#ifndef RT_WORKER_WORKER_H
#define RT_WORKER_WORKER_H

#include "base/trace.h"
#include "diag/worker_registry.h"
#include "event/driver.h"
#include "sched/sched.h"
#include "sched/spin.h"
#include "sched/worker_config.h"
#include "worker/call_site.h"
#include "worker/class.h"
#include "worker/coroutine_pool.h"
#include "worker/error.h"
#include "worker/parts.h"
#include "worker/stack_check.h"
#include "worker/start_queue.h"

typedef struct rt_worker {
  rt_driver driver;        /* the first field: rt_worker_of casts */
  rt_worker_status status; /* what the other threads may read */
  /* fixed */
  const rt_worker_hooks *hooks;
  lua_State *L;       /* the main thread of the state */
  lua_State *anchors; /* a Lua thread that never runs; see worker/anchors.h */
  lua_State *pcall_L; /* a Lua thread for the worker's own protected calls */
  rt_thread thread;
  const void *registry; /* the address of the state's registry */
  bool in_rt_lua;       /* the state is one of rt-lua, which stops the runtime itself */
  /* fixed once the pools are open; a pool worker: from its start */
  rt_slot *slot;                   /* its place in its scheduler; NULL: this is the main worker */
  rt_worker_config *worker_config; /* how a worker's state is made */
  rt_sched *pools[RT_POOLS];       /* NULL: not open, or closed */
  rt_runtime *runtime;             /* a main worker's; NULL: no pool is open, or a pool worker */
  /* worker's thread: what runs now */
  rt_worker_current current;
  rt_worker_loop loop;
  rt_worker_turn turn;
  rt_worker_task_entry task_entry;
  /* worker's thread: the tasks */
  rt_task *main; /* stands for the main chunk; NULL in a pool worker */
  rt_worker_tasks tasks;
  rt_coroutine_pool coroutine_pool;
  rt_start_queue start_queue[RT_PRIORITIES];
  rt_call_sites call_sites;
  rt_worker_ids ids;
  rt_preempt preempt;
  rt_worker_own_stalls own_stalls;
  /* worker's thread: errors and the end */
  rt_worker_traceback traceback;
  rt_worker_failures failures;
  rt_worker_unjoined unjoined;
  rt_worker_idle_gc idle_gc;
  rt_worker_guards guards;
  rt_worker_unhandled unhandled;
  rt_worker_deadlock deadlock;
  rt_worker_exit exit;
  rt_worker_stop stop;
  rt_worker_unwind unwind;
  rt_worker_shutdown shutdown;
  rt_worker_grace_timer grace_timer;
  rt_worker_end_wait end_wait;
  rt_worker_blocked blocked;
  void *close_sentinel; /* the newest object of host/close_sentinel.c */
  /* worker's thread: the rest */
  rt_classes classes;
  struct rt_pack_state *pack;         /* see pack/state.h */
  struct rt_thread_pool *thread_pool; /* NULL until the first call that blocks */
  rt_random chance;                   /* see rt_worker_chance */
  rt_spin spin;
  rt_vthread vthread; /* of the main worker */
  rt_worker_preload preload;
  /* signal handler of this thread */
  rt_worker_signals signals;
} rt_worker;

/* Debug builds: aborts on any other thread than the worker's. */
#define rt_worker_assert_thread(w) rt_assert(rt_thread_is_current((w)->thread))
/* The same; and on return the stack of L must be higher by 'change' values
** (worker/stack_check.h). */
#define RTL_ENTER(L, w, change) \
  rt_worker_assert_thread(w);   \
  RTL_STACK_CHECK(L, change)

/* Makes the worker of a state and leaves the object that owns it on top of the stack; when the
** state closes, so does the worker. A state has one worker at most. The table of hooks must be
** complete. */
rt_worker *rtL_worker_new(lua_State *L, const rt_worker_hooks *hooks, lua_CFunction on_close);

/* Called by 'on_close', when the tasks have ended: frees what the worker holds outside of its
** state. */
void rt_worker_close(rt_worker *w);

/* The worker of this state, or NULL. */
rt_worker *rt_worker_find(lua_State *L);

static inline rt_worker *rt_worker_of(rt_driver *d) { return (rt_worker *)d; }

/* Pushes the value of an anchor; pops the top of the stack into an anchor. */
void rt_anchor_push(lua_State *L, rt_worker *w, int anchor);
void rt_anchor_set(lua_State *L, rt_worker *w, int anchor);

/* Pops the value on top of the stack, and keeps it as long as the worker lives, whatever the
** program does with Lua's registry. */
void rtL_worker_keep(lua_State *L, rt_worker *w, const void *key);
/* Pushes what was kept under the key, or nil; returns its type. */
int rt_worker_push_kept(lua_State *L, rt_worker *w, const void *key);

/* Defines a class whose functions have the worker as upvalue 1. */
void rtL_worker_class(lua_State *L, rt_worker *w, rt_class which, const rt_class_def *def);

/* The threads for C calls that block (name resolution, reading a terminal), made at the first call.
** NULL: no memory. */
struct rt_thread_pool *rt_worker_thread_pool(rt_worker *w);

/* Is the program ending? Then a task that ends with rt.Cancelled was cancelled, even if no code
** cancelled it, and is no failure. */
static inline bool rt_worker_is_ending(const rt_worker *w) {
  if (w->stop.begun) return true;
  for (int which = 0; w->slot && which < RT_POOLS; which++)
    if (w->pools[which] && rt_load(&w->pools[which]->stopping)) return true;
  return false;
}

/* The end of rt in this state begins; lua_close has begun. */
static inline void rt_worker_begin_stop(rt_worker *w) { w->stop.begun = true; }
static inline void rt_worker_begin_state_close(rt_worker *w) { w->stop.state_closes = true; }

/* In a child of fork: no task can be spawned, and the running one is the last one. So the checks
** that the parent has anyway find a child, too (run/cancel.c, run/end_wait.h). */
static inline void rt_worker_leave_tasks(rt_worker *w) {
  w->stop.begun = true;
  w->tasks.live = 1;
}

/* In a child of fork the task that has forked has ended: ends the process (run/forked.c). */
static inline void rt_worker_end_child(rt_worker *w) { w->driver.run(&w->driver, NULL); }

/* How long tasks may unwind when the program ends, in ns. (Relaxed: 'grace' is a setting, which
** refers to no other memory.) */
static inline uint64_t rt_worker_grace(const rt_worker *w) {
  return w->worker_config ? rt_load_relaxed(&w->worker_config->grace) : RT_GRACE;
}

/* The id of a new task, unique in the process. */
uint64_t rt_worker_next_id(rt_worker *w);

/* The serial number of a new cancel scope. */
static inline uint64_t rt_worker_next_scope(rt_worker *w) { return ++w->ids.last_scope; }

/* Takes so many operations from the budget of the running task. True: the budget is used up, and
** the task has to yield to other tasks. */
static inline bool rt_worker_spend(rt_worker *w, int operations) {
  return (w->turn.budget -= operations) <= 0;
}

/* A task yields to other tasks: this turn has to end with a poll. */
static inline void rt_worker_note_yield(rt_worker *w) { w->turn.yielded = true; }

/* A task, or the main chunk, is resumed: it may do so many operations. */
static inline void rt_worker_set_budget(rt_worker *w, int operations) {
  w->turn.budget = operations;
}

/* The worker polls: no task has yielded since. */
static inline void rt_worker_forget_yield(rt_worker *w) { w->turn.yielded = false; }

/* A random number, for fair choices. The sequence follows from RT_SEED or rt_worker_seed; without a
** seed it cannot be predicted. */
uint64_t rt_worker_chance(rt_worker *w);

/* Sets the seed of rt_worker_chance: from now on the sequence follows from 'seed' and the number of
** the worker's slot. */
void rt_worker_seed(rt_worker *w, uint64_t seed);

/* The number of the worker in a trace (base/trace.h): 0 the main worker, 1… the pool, 1001… the
** workers for blocking jobs. */
static inline int rt_worker_number(const rt_worker *w) {
  if (w->slot == NULL) return 0;
  return w->slot->number + 1 + (w->slot->sched->config.exclusive ? 1000 : 0);
}

/* A task has been made; a task has ended. 'ended' returns how many have not. */
static inline void rt_worker_task_made(rt_worker *w) { w->tasks.live++; }
static inline int64_t rt_worker_task_ended(rt_worker *w) { return --w->tasks.live; }

/* Adds n to a counter of the worker. */
static inline void rt_worker_count(rt_worker *w, rt_counter what, uint64_t n) {
  rt_worker_assert_thread(w);
  rt_counters_add(w->driver.counters, what, n);
}
/* Counts the end of a task, by how it ended. */
static inline void rt_worker_count_end(rt_worker *w, rt_phase how) {
  rt_worker_count(w, (rt_counter)(RT_COUNT_DONE + (how - RT_DONE)), 1);
}

/* Makes a queued task. Stack: function, 'args' arguments -> the handle. The line of the function at
** 'level' of L's stack counts as the place where the task was spawned. */
rt_task *rtL_worker_spawn(lua_State *L, rt_worker *w, int args, int level, rt_priority priority);

/* The same for a job that this worker begins: it was counted when it was spawned, and has a call
** site. */
rt_task *rtL_worker_take(lua_State *L, rt_worker *w, int args, rt_priority priority);

/* The call site of the function at 'level' of L's stack. If all functions there are rt's own, the
** call site of the running task. */
uint32_t rt_worker_site(lua_State *L, rt_worker *w, int level);

/* The worker of the C function that is running: its upvalue 1. */
static inline rt_worker *rt_self(lua_State *L) {
  rt_worker *w = lua_touserdata(L, lua_upvalueindex(1));
  rt_worker_assert_thread(w);
  return w;
}

#endif
