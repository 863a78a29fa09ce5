/* worker/worker.h - one thread, one Lua state, one driver.
**
** The record that everything above hangs on: what a worker has, how it is made and
** how it goes.  What it does all day is in run/loop.c.
*/
#ifndef RT_WORKER_WORKER_H
#define RT_WORKER_WORKER_H

#include "worker/class.h"
#include "worker/error.h"
#include "msg/code.h"
#include "worker/coroutine_pool.h"
#include "event/thread_pool.h"
#include "msg/pack_buf.h"
#include "event/driver.h"
#include "worker/stack_check.h"
#include "sched/spin.h"
#include "worker/module_index.h"
#include "worker/start_queue.h"
#include "sched/worker_config.h"
#include "diag/worker_registry.h"
#include "sched/sched.h"
#include "worker/call_site.h"
#include "base/cpu_timer.h"
#include "base/trace.h"

#include <signal.h>

/* What a yield that is under way is. */
typedef enum rt_yield {
  RT_YIELD_USER,      /* a value for who resumed the coroutine */
  RT_YIELD_WAIT,      /* of a task, which has been put where it is woken */
  RT_YIELD_PREEMPTED, /* a task that may go on in the next turn; see run/preempt.c */
  RT_YIELD_FINAL      /* one that never goes on */
} rt_yield;

/* Of run/preempt.c; what its signal handler touches is volatile. */
typedef struct rt_preempt {
  rt_cpu_timer tick;
  bool started;            /* or it need not, or cannot */
  bool switches_all;       /* not only tasks of the pool */
  volatile unsigned armed; /* the slice for which the hook was set */
  volatile unsigned seen;  /* the slice at the last tick */
  volatile unsigned skip;  /* ticks that do nothing */
  uint64_t switches;       /* so far */
  unsigned watched;        /* the slice in which a C function was in the way last, */
  int returns;             /* and how many returns were looked at then */
  uint64_t ends_since;     /* when a hook first saw that the program ends */
} rt_preempt;

typedef struct rt_worker {
  rt_driver driver;        /* the first field: what is known of a worker below this floor */
  rt_worker_status status; /* what the other threads know of it */
  /* fixed */
  lua_State *L;       /* the state's main thread */
  lua_State *anchors; /* see worker/anchors.h */
  lua_State *pcall_L; /* for protected calls of the worker's own */
  rt_thread thread;
  /* this thread */
  rt_task *running;        /* the task whose code runs, main included; NULL: the worker's own */
  lua_State *volatile cur; /* the coroutine whose code runs, the innermost */
  bool blocked;            /* a resume between the task and 'cur' cannot pass a wait outward */
  rt_yield suspending;     /* the yield under way: a wait, or the user's */
  bool yielded;            /* somebody gave way in this turn, so it must end with a poll */
  bool stopping;           /* the main chunk has ended: no new tasks */
  bool state_closes;       /* … or never will: Lua does not finalize what is made from here on */
  bool closing;            /* … and the driver is gone */
  bool has_code;           /* os.exit has said with which exit code the process ends: */
  int exit_code;
  bool asked_to_exit;          /* … in a task, so that is still to be done; see lib/std/os.c */
  bool main_awaits_end;        /* it sleeps until the last task has ended */
  int budget;                  /* operations that the running task may still do without waiting */
  unsigned slices;             /* resumes of tasks so far, */
  unsigned raised_at;          /* how many it were when RT_ANCHOR_RAISED was kept */
  bool raised_whole;           /* its traceback says all */
  unsigned polled_at;          /* and at the last poll */
  rt_phase ended_as;           /* how the task that just returned ended */
  rt_task *main;               /* stands for the main chunk */
  rt_thread_pool *thread_pool; /* NULL until the first call that blocks */
  rt_coroutine_pool coroutine_pool;
  rt_start_queue start_queue;
  rt_call_sites call_sites;
  rt_classes classes;
  rt_pack_bufs pack_bufs; /* what packing needs */
  rt_module_index module_index;
  rt_codes codes;
  int functions; /* at most so many have a waiter in RT_ANCHOR_CODES */
  int closures;  /* at most so many are in RT_ANCHOR_CLOSURES */
  uint64_t last_id;
  uint64_t last_frame;
  rt_random chance;            /* of rt.select; see rt_worker_chance */
  void (*on_proxy)(rt_task *); /* what stands for a select has been woken */
  int64_t live;                /* tasks that have not ended, without main */
  int unhandled;               /* failures in the queue RT_ANCHOR_UNHANDLED, */
  int first_unhandled;         /* from this index on */
  int unjoined;                /* failures that nobody has joined yet */
  int looking;            /* how often the collector is still to come by when idle, to find such */
  bool has_probe;         /* there is one of run/unhandled.c, not yet collected */
  bool tells_last;        /* the program has ended: they are told one by one, by no task */
  bool failed;            /* an error went unhandled */
  bool suspects_deadlock; /* the main worker is to look whether this is one; see run/deadlock.h */
  bool is_deadlocked;     /* the main chunk is to raise that, */
  int deadlocks;          /* which it has been told so often */
  uint64_t ends_at;       /* rt.shutdown: all is to be over by then; 0: nobody has called it */
  bool went_quietly;      /* … and that is what the main chunk ended with */
  void (*insist)(struct rt_worker *, lua_State *); /* rt_preempt_insist */
  void (*leave)(struct rt_worker *, lua_State *);  /* ends the process: what os.exit asked for */
  void (*main_returns)(struct rt_worker *); /* the main chunk gets control back while tasks live */
  rt_vthread vthread;                       /* of the main worker */
  void *last_word;                          /* see host/luaopen.c */
  bool hosted;                              /* in rt-lua, which stops the runtime itself */
  /* of the pool */
  rt_worker_config *worker_config; /* how it makes other workers; see sched/worker_config.h */
  rt_sched *pools[RT_POOLS];       /* NULL: not open yet */
  rt_runtime *runtime;             /* where it can be reached; NULL: no pool is open, or not its */
  rt_spin spin;
  rt_slot *slot; /* its own; NULL: this is the main worker */
  void (*open_pools)(lua_State *,
                     struct rt_worker *); /* the main worker's; see host/worker_main.c */
  rt_list orphans;                        /* jobs with an error that nobody can join any more */
  rt_list unfinalized;                    /* those among them whose handle Lua will not finalize */
  uint64_t last_spare_id;                 /* up to where 'last_id' may count */
  const char *spoilt;                     /* why no job can run here: its preparation has failed */
  bool preparing;                         /* its state is being prepared: no jobs yet */
  bool told_to_stop;                      /* a member: the main worker has ended */
  bool grace_over;                        /* … and what has not unwound since will not */
  rt_timeout grace;                       /* the main worker: rt.shutdown's */
  rt_preempt preempt;
  /* a signal handler of this thread */
  volatile sig_atomic_t interrupted; /* the signal that asked the main chunk to end */
} rt_worker;

/* Debug builds: only the worker's own thread may come here. */
#define rt_worker_assert_thread(w) rt_assert(rt_thread_is((w)->thread))
/* The same, and on return the stack of L is so many values higher; see worker/stack_check.h. */
#define RTL_ENTER(L, w, change) \
  rt_worker_assert_thread(w);   \
  RTL_STACK_CHECK(L, change)

/* Makes the worker of a state and leaves the object that owns it on top of the stack;
** when the state closes, so does the worker.  The state has one at most. */
rt_worker *rtL_worker_new(lua_State *L, void (*run)(rt_driver *, rt_task *),
                          lua_CFunction on_close);
void rt_worker_close(rt_worker *w);

/* The worker of this state, or NULL. */
rt_worker *rtL_worker_find(lua_State *L);

static inline rt_worker *rt_worker_of(rt_driver *d) { return (rt_worker *)d; }

/* Pushes what a slot of the anchors' thread holds; pops the top into one. */
void rtL_anchor_push(lua_State *L, rt_worker *w, int slot);
void rtL_anchor_set(lua_State *L, rt_worker *w, int slot);

/* Defines a class whose functions have the worker as upvalue 1. */
void rtL_worker_class(lua_State *L, rt_worker *w, rt_class which, const rt_class_def *def);

/* Threads for calls that block: a name server, a terminal.  NULL: no memory */
rt_thread_pool *rt_worker_crew(rt_worker *w);

/* The program ends: what fails now because others were cancelled has not failed. */
static inline bool rt_worker_ends(const rt_worker *w) {
  if (w->stopping) return true;
  for (int which = 0; w->slot && which < RT_POOLS; which++)
    if (w->pools[which] && rt_load(&w->pools[which]->stopping)) return true;
  return false;
}

/* How long tasks may unwind, when the program ends. */
static inline uint64_t rt_worker_grace(const rt_worker *w) {
  return w->worker_config ? rt_load_relaxed(&w->worker_config->grace) : RT_GRACE;
}

/* The main worker: a task has called os.exit(code, true).  The first one counts. */
void rt_worker_ask_to_exit(rt_worker *w, int code);

/* The id of a new task; no other worker of the process has it. */
uint64_t rt_worker_next_id(rt_worker *w);

/* A random number; the sequence is that of RT_SEED, or nobody can guess it. */
uint64_t rt_worker_chance(rt_worker *w);
void rt_worker_seed(rt_worker *w, uint64_t seed); /* … or of this, and the number of its slot */

/* For a trace; see base/trace.h. */
static inline int rt_worker_number(const rt_worker *w) {
  if (w->slot == NULL) return 0;
  return w->slot->number + 1 + (w->slot->sched->config.exclusive ? 1000 : 0);
}

/* It counts something that it does. */
static inline void rt_worker_count(rt_worker *w, rt_counter what, uint64_t n) {
  rt_worker_assert_thread(w);
  rt_count(w->driver.counts, what, n);
}
/* … the end of a task, of which it is the only one to know. */
static inline void rt_worker_count_end(rt_worker *w, rt_phase how) {
  rt_worker_count(w, (rt_counter)(RT_COUNT_DONE + (how - RT_DONE)), 1);
}

/* A queued task for the function and the arguments on top of the stack; they are
** replaced by its handle.  'level': whose line is where it was spawned. */
rt_task *rtL_worker_spawn(lua_State *L, rt_worker *w, int args, int level);
/* That line; or, if only rt's own files are there, the one for which the running task, which was
** spawned there, does it. */
uint32_t rt_worker_site(lua_State *L, rt_worker *w, int level);
/* The same for a job that has been spawned already. */
rt_task *rtL_worker_take(lua_State *L, rt_worker *w, int args);

/* The worker of the C function that runs: its upvalue 1. */
static inline rt_worker *rtL_self(lua_State *L) {
  rt_worker *w = lua_touserdata(L, lua_upvalueindex(1));
  rt_worker_assert_thread(w);
  return w;
}

#endif
