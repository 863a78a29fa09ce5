/* The signal handler against the Lua code that it interrupts: why a task can be switched at any
** instruction.
**
** 1. The handler runs on the thread of the worker, so nothing runs at the same time as it does; but
**    it may come between any two machine instructions. It uses two functions of Lua, lua_gethook
**    and lua_sethook. The second may be called in a signal handler of the thread that runs the
**    state (ldebug.c says so, and lua.c does it): it stores a function and a count, and the Lua
**    instructions that follow see them.
** 2. The handler sets the hook on current.co. That field is volatile; the worker's thread sets it
**    before it resumes a coroutine and clears it after that. So the handler sees a coroutine that
**    is alive, or NULL.
** 3. The handler may come too late, when the task that it has found has yielded and another one
**    runs, or before a coroutine begins that inherits the hook. So the hook decides anew: it acts
**    only in current.co, and switches only in the slice for which it was set (preempt.armed against
**    loop.slices). Otherwise it takes itself off.
** 4. Lua calls the hook between two instructions, where it allows a yield or an error by itself. A
**    hook yields no values, and the task is resumed with none, at the instruction where it was.
** 5. A hook that the program has set is left alone: the handler and the hook replace only NULL and
**    hooks of this file.
**
** No model of spec/model checks this: the explorer switches between threads, at atomic operations,
** and runs no Lua, whereas here one thread interrupts itself inside of Lua. Instead,
** spec/preempt_spec.lua runs programs that check their own results, with a yield at thousands of
** instructions each.
*/
#include "run/preempt.h"

#include "diag/watchdog.h"
#include "event/cancel_scope.h"
#include "run/awaited.h"
#include "run/cancel.h"
#include "run/current.h"
#include "run/inspect.h"
#include "run/shutdown.h"
#include "run/unwind.h"
#include "worker/pending_close.h"

#include <stdio.h>

/* --- the hook, between two instructions of the coroutine that runs ---------------------------- */
static void hook(lua_State *L, lua_Debug *ar);

static bool is_own(lua_Hook there);

static void disarm(lua_State *L) { lua_sethook(L, NULL, 0, 0); }

/* What a poll would do for this task: its deadlines, and the mailbox. */
static void poll_for_task(rt_worker *w, rt_task *t) {
  if (t->more && t->more->cancel_scopes) rt_cancel_scope_expire(t, rt_driver_tick(&w->driver));
  rt_mailbox_drain(&w->driver.mailbox);
  if ((w->unwind.requested || w->exit.requested) && !t->is_main) {
    t->cancelled = 1;
    t->alert = 1;
  }
}

/* When a signal has asked the main chunk to end: what keeps a cancelled task, which waits for it,
** from running is cancelled, too. Before the mailbox is drained: the cancel that is in it withdraws
** the wait. (Relaxed: if the load returns an older value, a later signal sets the hook again.) */
static void cancel_if_awaited(rt_worker *w, rt_task *t) {
  if (rt_likely(!rt_load_relaxed(&w->status.main_is_ending))) return;
  if (!t->is_main && !t->cancelled && !rt_cancel_scope_is_protected(t)) rt_awaited_cancel(w, t);
}

/* Is the program ending, and has the grace passed? */
static bool is_grace_over(rt_worker *w) {
  if (rt_shutdown_is_over(w) || w->signals.over) return true;
  if (!w->stop.begun && !w->unwind.requested && !w->exit.requested) return false;
  uint64_t now = rt_clock();
  if (w->preempt.ends_since == 0) w->preempt.ends_since = now;
  return now - w->preempt.ends_since >= rt_worker_grace(w);
}

/* Yields. The hook must return at once: Lua yields then. */
static void yield_in_hook(lua_State *L, rt_worker *w, rt_yield how) {
  rt_current_yield(w, how);
  lua_yield(L, 0);
}

/* The task is to be unwound, by this scope or (NULL) by a cancel. False: the error is not raised
** now. */
static bool unwind(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *scope, bool is_closing,
                   bool yieldable) {
  rt_more *more = rt_task_more(t);
  rt_escalation_step step = RT_ESCALATION_RAISE;
  if (more)
    step = rt_escalation_hook(&more->escalation, scope ? scope->serial : 0, rt_clock(), is_closing);
  if (step == RT_ESCALATION_WAIT) return false;
  if (step == RT_ESCALATION_FORCE && scope == NULL && yieldable) {
    yield_in_hook(L, w, RT_YIELD_FINAL);
    return true;
  }
  if (step == RT_ESCALATION_RAISE) /* the error is raised once */
    disarm(L);                     /* if the hook stayed, it would raise at each instruction */
  rtL_cancel_unwind(L, w, t, scope);
  return true;
}

/* --- waiting for a __close to return ---------------------------------------------------------- */
static void set_hook(lua_State *L) {
  lua_Hook there = lua_gethook(L);
  if (there == NULL || is_own(there)) lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

static lua_State *outermost(rt_worker *w, const rt_task *t) { return t->is_main ? w->L : t->co; }

/* The innermost coroutine of the task in which a __close is active; NULL: none is. In L, the one
** that runs, functions are looked at from this level on. */
static lua_State *find_closing(lua_State *L, rt_worker *w, const rt_task *t, int level) {
  lua_State *found = NULL, *co = outermost(w, t);
  if (rtL_pending_close_find(L, L, level) >= 0) return L;
  for (; co != NULL && co != L; co = rt_inspect_inner(co))
    if (rtL_pending_close_find(L, co, 0) >= 0) found = co;
  return found;
}

/* No __close is active any more. If L now ends, the coroutine that has resumed it asks what is due:
** a signal may never find it, if all of the time is spent in the __close of others. */
static void set_hooks_outside(lua_State *L, rt_worker *w, const rt_task *t) {
  for (lua_State *co = outermost(w, t); co != NULL && co != L; co = rt_inspect_inner(co))
    set_hook(co);
}

/* So many functions return before the __close does. (Fewer, if an error ends some of them: then the
** next signal sets the other hook.) */
static _Thread_local int returns_to_skip;

/* The error is raised after the __close, if it is still due then. The signals of the timer set the
** other hook again, so a __close that does not return is ended in the end. If an error has ended
** it, the next return finds that no __close is active. */
static void on_close_return(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (returns_to_skip > 0) {
    returns_to_skip--;
    return;
  }
  bool returns = rtL_pending_close_is_one(L);
  int level = returns ? -1 : rtL_pending_close_find(L, L, 0);
  if (level > 0) {
    returns_to_skip = level - 1;
    return;
  }
  rt_worker *w = rt_worker_find(L);
  rt_task *t = w ? w->current.task : NULL;
  if (t && t->more && L == w->current.co && find_closing(L, w, t, 1) == NULL) {
    rt_escalation_closed(&t->more->escalation);
    set_hooks_outside(L, w, t);
  }
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

static void await_close(lua_State *L, lua_State *closing) {
  lua_Hook there = lua_gethook(closing);
  returns_to_skip = 0;
  if (closing != L) disarm(L);
  if (closing == L || there == NULL || is_own(there))
    lua_sethook(closing, on_close_return, LUA_MASKRET, 0);
}

/* --- waiting for a C function to return ------------------------------------------------------- */
/* Lua code that a C function calls (a comparator of table.sort) cannot yield. A loop of such calls
** can yield between two of them. So for a number of returns a hook looks at each return for the
** moment when the C function is no longer active. That costs time, so the number is small at first,
** doubles, and has a maximum. */
enum { RETURNS_MIN = 1000, RETURNS_MAX = 8000 };

static _Thread_local int returns_left;

static void on_return(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (rt_likely(--returns_left > 0 && !lua_isyieldable(L))) return;
  if (returns_left > 0)
    lua_sethook(L, hook, LUA_MASKCOUNT, 1); /* it can yield at an instruction, not here */
  else
    disarm(L);
}

static void watch_returns(lua_State *L, rt_worker *w) {
  rt_preempt *p = &w->preempt;
  bool again = p->watched == w->loop.slices;
  p->returns = again ? p->returns * 2 : RETURNS_MIN;
  if (p->returns > RETURNS_MAX) p->returns = RETURNS_MAX;
  p->watched = w->loop.slices;
  returns_left = p->returns;
  lua_sethook(L, on_return, LUA_MASKRET, 0);
}

static bool may_switch(const rt_worker *w, const rt_task *t) {
  return t->is_job || (w->preempt.switches_all && !t->is_main);
}

/* Does the hook raise a cancel of this task? Not in a main chunk that Ctrl-C has cancelled: the
** handler of run/signals.c has set a hook of its own for that. */
static bool may_raise(const rt_worker *w, const rt_task *t) {
  return !t->is_main || w->shutdown.deadline || (t->more && t->more->escalation.hook != 0);
}

/* Is an error to wait, because the function that runs has a value that it may be about to mark as
** <close>? The hook stays then, and asks again at the next instruction. Such values are marked
** within a few instructions; where one is handed on and on, by a recursion, POSTPONED_MAX of them
** are enough. They are counted from one error to the next, also over a __close to which the hook
** leaves time. */
enum { POSTPONED_MAX = 10000 };

static bool is_postponed(lua_State *L, lua_Debug *ar, rt_preempt *p) {
  if (p->postponed == POSTPONED_MAX || !rtL_pending_close(L, ar)) return false;
  p->postponed++;
  return true;
}

/* --- the decision ----------------------------------------------------------------------------- */
/* Which cancel is to be raised in this task? */
static rt_cancel_kind find_cancel(const rt_worker *w, const rt_task *t, rt_cancel_scope **scope) {
  if (!t->alert || rt_cancel_scope_is_critical(t)) return RT_CANCEL_NONE;
  rt_cancel_kind kind = rt_cancel_scope_effective(t, scope);
  return kind == RT_CANCEL_TASK && !may_raise(w, t) ? RT_CANCEL_NONE : kind;
}

/* 'is_due': the signal has found that the task has run for a whole period. True: Lua yields now, or
** the caller leaves the hook as it is. */
static bool decide(lua_State *L, lua_Debug *ar, rt_worker *w, rt_task *t, bool is_due) {
  rt_cancel_scope *scope = NULL;
  cancel_if_awaited(w, t);
  poll_for_task(w, t);
  if (w->exit.requested && t->is_main && !w->stop.begun)
    w->hooks->leave(w, L); /* does not return */
  bool yieldable = !t->is_main && !w->current.blocked && lua_isyieldable(L);
  bool over = t->is_main ? rt_shutdown_is_over(w) : is_grace_over(w);
  rt_cancel_kind kind = find_cancel(w, t, &scope);
  if ((over || kind != RT_CANCEL_NONE) && is_postponed(L, ar, &w->preempt)) return true;
  lua_State *closing = over || kind == RT_CANCEL_NONE ? NULL : find_closing(L, w, t, 0);
  if (closing == NULL) w->preempt.postponed = 0;
  if (over && !t->is_main) {
    if (!yieldable) rtL_cancel_unwind(L, w, t, NULL);
    yield_in_hook(L, w, RT_YIELD_FINAL);
    return true;
  }
  if (over) rtL_shutdown_force(w, L); /* does not return */
  if (rt_cancel_scope_is_critical(t)) return false;
  if (kind != RT_CANCEL_NONE &&
      unwind(L, w, t, kind == RT_CANCEL_SCOPE ? scope : NULL, closing != NULL, yieldable))
    return true;
  bool is_switch = is_due && may_switch(w, t);
  if (is_switch && yieldable)
    yield_in_hook(L, w, RT_YIELD_PREEMPTED);
  else if (closing != NULL)
    await_close(L, closing);
  else if (is_switch)
    watch_returns(L, w); /* a C function is active */
  return is_switch || closing != NULL;
}

bool rtL_preempt_decide(lua_State *L, lua_Debug *ar, rt_worker *w) {
  rt_worker_assert_thread(w);
  return !w->stop.closed && L == w->current.co && decide(L, ar, w, w->current.task, false);
}

/* The hook stays set over a switch, and takes itself off when it is called after that. If it were
** taken off before the yield, Lua would skip one event of a hook that the program sets later.
**
** Relaxed: if probe_pending reads as false although the watchdog has just set it, the hook that the
** next signal sets answers the probe. */
static void hook(lua_State *L, lua_Debug *ar) {
  if (rt_unlikely(ar->event !=
                  LUA_HOOKCOUNT)) {         /* the signal came while Lua called a return hook */
    lua_sethook(L, hook, LUA_MASKCOUNT, 1); /* (Lua does not support a yield there) */
    return;
  }
  rt_worker *w = rt_worker_find(L);
  if (w && rt_unlikely(rt_load_relaxed(&w->status.probe_pending))) rt_inspect_answer_probe(w);
  if (w && w->current.task && !w->stop.closed &&
      L == w->current.co) { /* else a new coroutine has inherited the hook */
    bool is_due = w->preempt.armed == w->loop.slices;
    if ((is_due || w->current.task->alert) && decide(L, ar, w, w->current.task, is_due)) return;
  }
  disarm(L);
}

/* --- the signal handler ----------------------------------------------------------------------- */
/* Would the hook do anything with this task? (Relaxed: if a load returns an older value, the next
** signal sets the hook.) */
static bool needs_hook(rt_worker *w, const rt_task *t) {
  if (t == NULL) return false;
  return may_switch(w, t) || t->alert || (t->more && t->more->cancel_scopes) || w->stop.begun ||
         w->shutdown.deadline || rt_load_relaxed(&w->driver.mailbox.newest) != NULL ||
         rt_load_relaxed(&w->status.probe_pending) || rt_load_relaxed(&w->status.main_is_ending);
}

static bool is_own(lua_Hook there) {
  return there == hook || there == on_return || there == on_close_return;
}

/* lua_sethook walks over all active functions, which takes time in a deep recursion. Then as many
** of the next signals do nothing as keep the handler below a twentieth of the time. (CPU time: if
** the thread lost its CPU in between, hundreds of signals would be skipped.) They answer the
** watchdog's probe in place of the hook: without a hook, Lua code would look like a C function that
** does not return. The deepest recursion that Lua allows takes 3 to 4 ms, which are 12 to 16
** signals. There is a limit, since a virtual machine that stops for a moment may count the pause as
** CPU time. */
enum { SKIP_MAX = 20 };

static void arm(rt_worker *w, lua_State *L) {
  uint64_t before = rt_thread_info_cpu(&w->status.thread_info);
  w->preempt.armed = w->loop.slices;
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  uint64_t took = rt_thread_info_cpu(&w->status.thread_info) - before;
  uint64_t skip = took * 20 / w->preempt.timer.period;
  w->preempt.skip = skip < SKIP_MAX ? (unsigned)skip : SKIP_MAX;
}

/* What the main worker asks for (run/blocked.c). */
static void answer_nudge(rt_worker *w, rt_task *t) {
  bool is_protected = t && rt_cancel_scope_is_protected(t);
  rt_store(&w->status.is_protected, is_protected);
  rt_store(&w->status.awaits_cancel,
           t && !t->cancelled && !is_protected && rt_awaited_is_cancelled(w, t));
}

static void on_timer_signal(rt_cpu_timer *timer, rt_cpu_timer_cause cause) {
  rt_worker *w = rt_containerof(timer, rt_worker, preempt.timer);
  lua_State *L = w->current.co;
  if (cause == RT_CPU_TIMER_INTERRUPT) w->preempt.interrupts++;
  if (cause != RT_CPU_TIMER_TICK) {
    answer_nudge(w, w->current.task);
    if (L != NULL && lua_gethook(L) == NULL) arm(w, L);
  } else if (w->preempt.skip > 0) {
    w->preempt.skip--;
    rt_store(&w->status.probe_pending, false);
  } else if (w->preempt.seen !=
             w->loop.slices) { /* another task, or another slice, than at the last signal */
    w->preempt.seen = w->loop.slices;
  } else if (L != NULL && needs_hook(w, w->current.task)) {
    lua_Hook there = lua_gethook(L);
    if (there == NULL || is_own(there)) arm(w, L); /* else the program has set one, which stays */
  }
}

/* --- beginning and end ------------------------------------------------------------------------ */
static bool is_disabled(void) {
  const char *text = getenv("RT_PREEMPT");
  return (text && strcmp(text, "0") == 0) || rt_clock_is_virtual();
}

/* Once in a process: a task that computes for long keeps the others waiting, for this reason. */
static void report_off(int err) {
  static rt_atomic(bool) reported;
  if (rt_swap(&reported, true)) return;
  if (err == -EBUSY)
    fprintf(stderr, "rt: SIGURG is taken by other code");
  else
    fprintf(stderr, "rt: no timer and no watchdog (%s: %s)", rt_system_error_name(err),
            rt_system_error_text(err));
  fprintf(stderr,
          ": a task that computes for long keeps the others waiting, and timeouts do not end it "
          "(RT_PREEMPT=0 accepts that)\n");
  fflush(stderr);
}

/* The system has no timer for this thread: the watchdog measures its CPU time, and sends the
** signal. */
static void start_with_watchdog(rt_worker *w, int why) {
  static rt_atomic(bool) reported;
  int err = rt_cpu_timer_start_external(&w->preempt.timer, on_timer_signal);
  if (err == 0 && !rt_watchdog_add(&w->status)) {
    rt_cpu_timer_stop(&w->preempt.timer);
    err = why;
  }
  if (err != 0) {
    report_off(err);
    return;
  }
  rt_worker_status_set_cpu_timer(&w->status, &w->preempt.timer);
  rt_watchdog_wake(&w->status);
  if (rt_swap(&reported, true)) return;
  fprintf(stderr, "rt: no CPU timer (%s: %s): tasks that compute are noticed by the watchdog\n",
          rt_system_error_name(why), rt_system_error_text(why));
  fflush(stderr);
}

void rt_preempt_start(rt_worker *w) {
  rt_worker_assert_thread(w);
  w->preempt.started = true;
  if (is_disabled()) return;
  int err = rt_cpu_timer_start(&w->preempt.timer, on_timer_signal);
  if (err == 0)
    rt_worker_status_set_cpu_timer(&w->status, &w->preempt.timer);
  else if (err == -EBUSY || err == -ENOSYS)
    report_off(err);
  else
    start_with_watchdog(w, err);
}

void rt_preempt_stop(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status_set_cpu_timer(&w->status, NULL);
  rt_cpu_timer_stop(&w->preempt.timer);
  w->preempt.started = true; /* it is not started again */
}

void rt_preempt_soon(rt_worker *w, lua_State *co) {
  rt_worker_assert_thread(w);
  static _Thread_local rt_random random;
  if (lua_gethook(co) != NULL) return;
  if (random.state == 0) random.state = rt_random_seed();
  w->preempt.armed = w->loop.slices;
  lua_sethook(co, hook, LUA_MASKCOUNT, 1 + (int)(rt_random_next(&random) % 1000));
}

void rt_preempt_interrupt(rt_worker *w, lua_State *L) {
  rt_worker_assert_thread(w);
  rt_task *t = w->current.task;
  if (is_disabled()) return;
  set_hook(L);
  /* The error may end the coroutine L and be caught by the code that has resumed it. */
  set_hook(outermost(w, t));
}
