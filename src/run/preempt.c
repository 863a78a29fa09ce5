#include "run/preempt.h"

#include "run/inspect.h"
#include "run/cancel.h"
#include "event/cancel_scope.h"
#include "run/shutdown.h"
#include "run/unwind.h"

#include <stdio.h>

/* --- the hook: in Lua, at an instruction of the coroutine that runs -------------------------------- */
static void hook(lua_State *L, lua_Debug *ar);

static void disarm(lua_State *L) { lua_sethook(L, NULL, 0, 0); }

/* What a poll would see: post, and what this task's clock says. */
static void look(rt_worker *w, rt_task *t) {
  if (t->more && t->more->cancel_scopes) rt_cancel_scope_expire(t, rt_driver_tick(&w->driver));
  rt_mailbox_drain(&w->driver.mailbox);
  if ((w->stop.requested || w->exit.requested) && !t->is_main) {
    t->cancelled = 1;
    t->alert = 1;
  }
}

/* The program ends, and has waited long enough. */
static bool is_grace_over(rt_worker *w) {
  if (rt_shutdown_is_over(w)) return true;
  if (!w->stop.begun && !w->stop.requested && !w->exit.requested) return false;
  uint64_t now = rt_clock();
  if (w->preempt.ends_since == 0) w->preempt.ends_since = now;
  return now - w->preempt.ends_since >= rt_worker_grace(w);
}

/* Lua yields when the hook returns, which it must at once. */
static void give_way(lua_State *L, rt_worker *w, rt_yield how) {
  w->suspending = how;
  lua_yield(L, 0);
}

/* The task is to be unwound, by scope f or (NULL) by a cancel. False: the error is not raised now. */
static bool unwind(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *f, bool yieldable) {
  rt_more *more = rt_task_more(t);
  rt_escalation_step step = RT_ESCALATION_RAISE;
  if (more) step = rt_escalation_hook(&more->escalation, f ? f->serial : 0, rt_clock());
  if (step == RT_ESCALATION_WAIT) return false;
  if (step == RT_ESCALATION_FORCE && f == NULL && yieldable) {
    give_way(L, w, RT_YIELD_FINAL);
    return true;
  }
  if (step == RT_ESCALATION_RAISE)
    disarm(L); /* else each instruction raises: no pcall holds that */
  rtL_cancel_unwind(L, w, t, f);
  return true;
}

/* --- waiting for a C function to return ------------------------------------------------------------- */
/* Code that a C function calls (a comparator of table.sort) cannot be suspended, but a loop
** of such calls can, between two of them: so for a while, every return is looked at.  That
** costs something, so the while is short at first, and never long. */
enum { FIRST_WATCH = 1000, LAST_WATCH = 8000 };

static _Thread_local int returns_left;

static void on_return(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (rt_likely(--returns_left > 0 && !lua_isyieldable(L))) return;
  if (returns_left > 0)
    lua_sethook(L, hook, LUA_MASKCOUNT, 1); /* only at an instruction can it yield */
  else
    disarm(L);
}

static void watch(lua_State *L, rt_worker *w) {
  rt_preempt *p = &w->preempt;
  bool again = p->watched == w->loop.slices;
  p->returns = again ? p->returns * 2 : FIRST_WATCH;
  if (p->returns > LAST_WATCH) p->returns = LAST_WATCH;
  p->watched = w->loop.slices;
  returns_left = p->returns;
  lua_sethook(L, on_return, LUA_MASKRET, 0);
}

static bool is_switched(const rt_worker *w, const rt_task *t) {
  return t->is_job || (w->preempt.switches_all && !t->is_main);
}

/* (a main chunk that Ctrl-C has cancelled hears of it where it waits: see run/signals.c) */
static bool is_told_by_hooks(const rt_worker *w, const rt_task *t) {
  return !t->is_main || w->stop.deadline || (t->more && t->more->escalation.hook != 0);
}

/* --- what becomes of the task --------------------------------------------------------------------------- */
/* True: the hook stays, for Lua yields now. */
static bool attend(lua_State *L, rt_worker *w, rt_task *t, bool is_due) {
  rt_cancel_scope *f = NULL;
  look(w, t);
  if (w->exit.requested && t->is_main && !w->stop.begun)
    w->hooks->leave(w, L); /* does not return */
  bool yieldable = !t->is_main && !w->blocked && lua_isyieldable(L);
  if (!t->is_main && is_grace_over(w)) {
    if (!yieldable) rtL_cancel_unwind(L, w, t, NULL);
    give_way(L, w, RT_YIELD_FINAL);
    return true;
  }
  if (t->is_main && rt_shutdown_is_over(w)) rt_shutdown_force(w, L); /* does not return */
  if (rt_cancel_scope_is_critical(t)) return false;
  rt_cancel_kind verdict = t->alert ? rt_cancel_scope_effective(t, &f) : RT_CANCEL_NONE;
  if (verdict == RT_CANCEL_SCOPE || (verdict == RT_CANCEL_TASK && is_told_by_hooks(w, t)))
    if (unwind(L, w, t, verdict == RT_CANCEL_SCOPE ? f : NULL, yieldable)) return true;
  if (!is_due || !is_switched(w, t)) return false;
  if (yieldable)
    give_way(L, w, RT_YIELD_PREEMPTED);
  else
    watch(L, w); /* a C function is in the way */
  return true;
}

/* It stays set over a switch, and is taken off at the first call after it: taken off before,
** it would leave a mark in Lua that costs the program one event of its own hook. */
static void hook(lua_State *L, lua_Debug *ar) {
  if (rt_unlikely(ar->event != LUA_HOOKCOUNT)) { /* a tick came in the middle of a return */
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);      /* (a yield there would break Lua) */
    return;
  }
  rt_worker *w = rtL_worker_find(L);
  if (w && rt_unlikely(rt_load_relaxed(&w->status.probe_pending))) rt_inspect_answer_probe(w);
  if (w && w->running && !w->stop.closed &&
      L == w->cur) { /* else a new coroutine has inherited it */
    bool is_due = w->preempt.armed == w->loop.slices;
    if ((is_due || w->running->alert) && attend(L, w, w->running, is_due)) return;
  }
  disarm(L);
}

/* --- the tick: in a signal handler ------------------------------------------------------------------ */
/* A task that is not to be switched is left alone as long as there is nothing to tell it. */
static bool is_worth_it(rt_worker *w, const rt_task *t) {
  if (t == NULL) return false;
  return is_switched(w, t) || t->alert || (t->more && t->more->cancel_scopes) || w->stop.begun ||
         w->stop.deadline || rt_load_relaxed(&w->driver.mailbox.newest) != NULL ||
         rt_load_relaxed(&w->status.probe_pending);
}

/* Setting a hook takes a while in a deep recursion: then the next ticks do nothing, so that
** ticks never take more than a twentieth of the time. */
static void arm(rt_worker *w, lua_State *L) {
  uint64_t before = rt_clock();
  w->preempt.armed = w->loop.slices;
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  w->preempt.skip = (unsigned)((rt_clock() - before) * 20 / w->preempt.timer.period);
}

static void on_tick(rt_cpu_timer *tick, bool nudged) {
  rt_worker *w = rt_containerof(tick, rt_worker, preempt.timer);
  lua_State *L = w->cur;
  if (nudged) {
    if (L != NULL && lua_gethook(L) == NULL) arm(w, L);
  } else if (w->preempt.skip > 0) {
    w->preempt.skip--;
  } else if (w->preempt.seen != w->loop.slices) { /* this task is younger than a tick */
    w->preempt.seen = w->loop.slices;
  } else if (L != NULL && is_worth_it(w, w->running)) {
    lua_Hook there = lua_gethook(L);
    if (there == NULL || there == hook || there == on_return)
      arm(w, L); /* else it is the program's own */
  }
}

/* --- beginning and end ------------------------------------------------------------------------------ */
static bool is_switched_off(void) {
  const char *text = getenv("RT_PREEMPT");
  return (text && strcmp(text, "0") == 0) || rt_clock_is_virtual();
}

static void complain(void) {
  static rt_atomic(bool) said;
  if (rt_swap(&said, true)) return;
  fprintf(stderr,
          "rt: SIGURG is taken by other code: a task that computes for long keeps the "
          "others waiting (RT_PREEMPT=0 accepts that)\n");
  fflush(stderr);
}

void rt_preempt_start(rt_worker *w) {
  rt_worker_assert_thread(w);
  w->preempt.started = true;
  if (is_switched_off()) return;
  int err = rt_cpu_timer_start(&w->preempt.timer, on_tick);
  if (err == -EBUSY) complain();
  if (err == 0) rt_worker_status_set_cpu_timer(&w->status, &w->preempt.timer);
}

void rt_preempt_stop(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status_set_cpu_timer(&w->status, NULL);
  rt_cpu_timer_stop(&w->preempt.timer);
  w->preempt.started = true; /* and stays without */
}

void rt_preempt_soon(rt_worker *w, lua_State *co) {
  rt_worker_assert_thread(w);
  static _Thread_local rt_random random;
  if (lua_gethook(co) != NULL) return;
  if (random.state == 0) random.state = rt_random_seed();
  w->preempt.armed = w->loop.slices;
  lua_sethook(co, hook, LUA_MASKCOUNT, 1 + (int)(rt_random_next(&random) % 1000));
}

static void set_hook(lua_State *L) {
  lua_Hook there = lua_gethook(L);
  if (there == NULL || there == hook || there == on_return) lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

void rt_preempt_interrupt(rt_worker *w, lua_State *L) {
  rt_worker_assert_thread(w);
  rt_task *t = w->running;
  if (is_switched_off()) return;
  set_hook(L);
  set_hook(t->is_main ? w->L : t->co); /* the error may end L, and be swallowed there */
}
