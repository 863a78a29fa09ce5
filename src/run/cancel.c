#include "run/cancel.h"

#include "pack/unpack.h"
#include "run/current.h"

/* --- raising ---------------------------------------------------------------------------------- */
void rtL_cancel_push_end(lua_State *L) {
  RTL_STACK_CHECK(L, +2);
  lua_pushliteral(L, "the program has ended");
  lua_pushliteral(L, "rt");
}

static bool push_reason_of_job(lua_State *L, rt_worker *w, rt_job *j) {
  rt_lock_take(&j->lock);
  rt_message *reason = j->reason; /* a reason that is set never changes */
  rt_lock_give(&j->lock);
  if (reason) rtL_unpack(L, w, reason);
  return reason != NULL;
}

void rtL_cancel_push_reason(lua_State *L, rt_worker *w, rt_job *j) {
  RTL_ENTER(L, w, +2);
  if (!push_reason_of_job(L, w, j)) lua_settop(L, lua_gettop(L) + 2);
}

void rtL_cancel_push_source(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +1);
  uint32_t site = rt_call_site_here(L, &w->call_sites, 1);
  lua_pushstring(L, site ? rt_call_site_text(&w->call_sites, site) : NULL);
}

/* In RT_ANCHOR_REASONS this key stands for "a signal". */
static const char by_signal;

void rtL_cancel_push_signal(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +2);
  const char *name = w->signals.interrupted == SIGINT ? "SIGINT" : "SIGTERM";
  lua_pushfstring(L, "interrupted! (%s)", name);
  lua_pushstring(L, name);
}

static void push_reason(lua_State *L, rt_worker *w, rt_task *t) {
  if (t->is_job && push_reason_of_job(L, w, t->more->job)) return;
  if (t->is_main && w->stop.begun) {
    rtL_cancel_push_end(L);
    return;
  }
  if (t->is_main && w->shutdown.deadline && !w->signals.interrupted) {
    lua_pushliteral(L, "the program is shut down");
    lua_pushliteral(L, "rt.shutdown");
    return;
  }
  if (t->is_main && w->signals.interrupted) {
    rtL_cancel_push_signal(L, w);
    return;
  }
  rt_anchor_push(L, w, RT_ANCHOR_REASONS);
  lua_rawgetp(L, -1, t);
  lua_remove(L, -2);
  if (lua_touserdata(L, -1) == &by_signal) {
    lua_pop(L, 1);
    rtL_cancel_push_signal(L, w);
  } else if (t->more && t->more->cancel_site) {
    lua_pushstring(L, rt_call_site_text(&w->call_sites, t->more->cancel_site));
  } else if (w->stop.begun || w->unwind.requested) { /* no code has cancelled it: the worker ends */
    lua_pop(L, 1);
    rtL_cancel_push_end(L);
  } else {
    lua_pushnil(L);
  }
}

void rtL_cancel_note(lua_State *L, rt_worker *w, rt_task *t) {
  RTL_ENTER(L, w, 0);
  int trace = lua_gettop(L);
  if (!t->cancelled) return;
  push_reason(L, w, t);
  bool has_text = lua_type(L, trace + 1) == LUA_TSTRING || lua_type(L, trace + 1) == LUA_TNUMBER;
  const char *reason = has_text ? lua_tostring(L, trace + 1) : NULL;
  const char *source = lua_tostring(L, trace + 2);
  lua_pushfstring(L, "%s\n(while it was unwound: cancelled%s%s%s%s)", lua_tostring(L, trace),
                  source ? " by " : "", source ? source : "", reason ? ": " : "",
                  reason ? reason : "");
  lua_replace(L, trace);
  lua_settop(L, trace);
}

static int raise_after_turn(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rtL_cancel_checkpoint_slow(L, rt_self(L));
  return 0;
}

/* A task that swallows the error in a loop never waits. So when its budget is used up it yields
** before the error is raised. Otherwise no other task would run, and nothing could end this one. */
static void yield_if_spent(lua_State *L, rt_worker *w, rt_task *t) {
  bool can = !t->is_main && L == w->current.co && !w->current.blocked && lua_isyieldable(L);
  if (!rt_worker_spend(w, 1) || !can) return;
  rt_ready_add(&w->driver.ready, t);
  rt_worker_note_yield(w);
  rt_current_yield(w, RT_YIELD_WAIT);
  lua_yieldk(L, 0, 0, raise_after_turn); /* does not return */
}

/* Stack: … -> the error, raised */
static void raise_cancel(lua_State *L, rt_worker *w, rt_task *t) {
  push_reason(L, w, t);
  rtL_cancelled_push(L, w, 0);
  lua_error(L);
}

static void raise_timeout(lua_State *L, rt_worker *w, rt_cancel_scope *scope) {
  scope->raised = true;
  if (scope->waiter) {
    lua_pushliteral(L, "another task of the scope has ended it");
    lua_pushliteral(L, "rt.scope");
  } else {
    lua_pushliteral(L, "timeout");
    lua_pushliteral(L, "rt.timeout");
  }
  rtL_cancelled_push(L, w, scope->serial);
  lua_error(L);
}

static uint64_t serial_of(const rt_cancel_scope *scope) { return scope ? scope->serial : 0; }

static void note_raised(rt_task *t, uint64_t scope) {
  rt_more *more = rt_task_more(t);
  if (more) rt_escalation_note(&more->escalation, scope, rt_clock());
}

/* From now on the calls of the task are those of a cleanup (run/blocked.c). */
static void raise_unwinding(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *scope) {
  rt_store(&w->status.awaits_cancel, false);
  if (scope)
    raise_timeout(L, w, scope);
  else
    raise_cancel(L, w, t);
}

void rtL_cancel_unwind(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *scope) {
  rt_worker_assert_thread(w);
  note_raised(t, serial_of(scope));
  raise_unwinding(L, w, t, scope);
}

/* can_close: the coroutine may be closed from outside. The main chunk has no coroutine of its own,
** and a scope ends only the function that runs in it. */
static void raise_at_checkpoint(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *scope) {
  rt_more *more = rt_task_more(t);
  bool can_close = scope == NULL && !t->is_main;
  if (more && rt_escalation_checkpoint(&more->escalation, serial_of(scope), rt_clock(), can_close))
    w->hooks->interrupt(w, L);
  raise_unwinding(L, w, t, scope);
}

int rtL_cancel_at_end(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  rtL_error_if_forked(L);
  rt_task *t = w->current.task;
  if (t == NULL || t->is_main)
    return rtL_call_site_error(L, &w->call_sites, "the program has ended: no new tasks");
  t->cancelled = 1;
  t->alert = 1;
  note_raised(t, 0);
  lua_pushliteral(L, "the program has ended: no new tasks");
  lua_pushliteral(L, "rt");
  return rtL_cancelled_raise(L, w);
}

/* Was the error of a cancel of the whole task raised in it before? Then the task is cleaning up,
** and its operations return their own results and errors as long as they do not wait. */
static bool was_cancel_raised(const rt_task *t) {
  return t->more && rt_escalation_was_raised(&t->more->escalation, 0);
}

/* Is the running task cancelled, without having got the error of it yet? A cancel by another thread
** counts before its post has been delivered. */
static bool is_news(rt_worker *w) {
  rt_task *t = w->current.task;
  rt_cancel_scope *scope = NULL;
  if (t == NULL || t->is_main || was_cancel_raised(t)) return false;
  if (rt_worker_is_ending(w) || (t->is_job && rt_job_is_cancelling(t->more->job)))
    t->cancelled = t->alert = 1;
  return t->alert && rt_cancel_scope_effective(t, &scope) == RT_CANCEL_TASK;
}

bool rt_cancel_from_other_thread(rt_worker *w) {
  rt_worker_assert_thread(w);
  const rt_task *t = w->current.task;
  return t && (t->is_job || rt_worker_is_ending(w)) && is_news(w);
}

void rtL_cancel_takes_precedence(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (is_news(w)) rtL_cancel_unwind(L, w, w->current.task, NULL);
}

typedef enum checkpoint_stage { BEFORE_TRYING, AFTER_YIELD, BEFORE_WAITING } checkpoint_stage;

/* Does this scope, whose deadline has passed, raise its error now? Once it has, at every
** checkpoint. Before that a result that is ready wins (G10): the scope raises where the operation
** has to wait, or when the task has used up its budget for the second time. */
static bool counts(rt_cancel_scope *scope, checkpoint_stage when) {
  bool yielded = scope->yielded;
  if (when == AFTER_YIELD) scope->yielded = true;
  return scope->raised || when == BEFORE_WAITING || (when == AFTER_YIELD && yielded);
}

static void raise_effective(lua_State *L, rt_worker *w, rt_task *t, checkpoint_stage when) {
  rt_cancel_scope *scope = NULL;
  switch (rt_cancel_scope_effective(t, &scope)) {
    case RT_CANCEL_NONE: return;
    case RT_CANCEL_TASK:
      yield_if_spent(L, w, t);
      raise_at_checkpoint(L, w, t, NULL);
      break;
    case RT_CANCEL_SCOPE:
      if (!counts(scope, when)) return;
      scope->raised = true;
      yield_if_spent(L, w, t);
      raise_at_checkpoint(L, w, t, scope);
  }
}

rt_task *rtL_cancel_get_running(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  if (w->stop.closed) rtL_error_closed(L);
  if (w->current.task == NULL)
    rtL_call_site_error(L, &w->call_sites,
                        "rt cannot be used here: no task is running (a finalizer?)");
  return w->current.task;
}

rt_task *rtL_cancel_checkpoint_slow(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_task *t = rtL_cancel_get_running(L, w);
  raise_effective(L, w, t, BEFORE_TRYING);
  return t;
}

void rtL_cancel_check(lua_State *L, rt_worker *w, rt_task *t) {
  RTL_ENTER(L, w, 0);
  if (rt_unlikely(t->alert)) raise_effective(L, w, t, BEFORE_WAITING);
}

void rtL_cancel_after_yield(lua_State *L, rt_worker *w, rt_task *t) {
  RTL_ENTER(L, w, 0);
  if (rt_unlikely(t->alert)) raise_effective(L, w, t, AFTER_YIELD);
}

/* --- cancelling ------------------------------------------------------------------------------- */
/* A task that has not begun ends at once. The loop skips it in the ready queue, and drops its
** values in the start queue. */
static void cancel_queued_task(lua_State *L, rt_worker *w, rt_task *t, int handle) {
  rtL_cancel_push_source(L, w);
  rtL_cancelled_push(L, w, 0);
  rt_anchor_push(L, w, RT_ANCHOR_OUTCOMES);
  lua_pushvalue(L, handle);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
  t->result = RT_RESULT_KEPT;
  t->cancelled = 1;
  rt_worker_task_ended(w);
  rt_worker_count(w, RT_COUNT_UNSTARTED, 1);
  rt_worker_count_end(w, RT_CANCELLED);
  rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
}

bool rtL_cancel_task(lua_State *L, rt_worker *w, rt_task *t, int handle) {
  RTL_ENTER(L, w, -1);
  handle = lua_absindex(L, handle);
  if (rt_task_has_ended(t) || t->cancelled) {
    lua_pop(L, 1);
    return !rt_task_has_ended(t);
  }
  if (t->phase == RT_QUEUED) {
    cancel_queued_task(L, w, t, handle);
    return true;
  }
  rt_anchor_push(L, w, RT_ANCHOR_REASONS);
  lua_insert(L, -2);
  lua_rawsetp(L, -2, t);
  lua_pop(L, 1);
  if (rt_task_more(t)) t->more->cancel_site = rt_call_site_here(L, &w->call_sites, 1);
  t->cancelled = 1;
  rt_cancel_scope_deliver(t, &w->driver);
  return true;
}

void rtL_cancel_by_signal(lua_State *L, rt_worker *w, rt_task *t) {
  RTL_ENTER(L, w, 0);
  if (!t->cancelled) {
    rt_anchor_push(L, w, RT_ANCHOR_REASONS);
    lua_pushlightuserdata(L, (void *)&by_signal);
    lua_rawsetp(L, -2, t);
    lua_pop(L, 1);
  }
  t->cancelled = 1;
  t->alert = 1;
}

int rtL_cancel_rethrow(lua_State *L, rt_worker *w, int handle) {
  rt_worker_assert_thread(w);
  rt_anchor_push(L, w, RT_ANCHOR_OUTCOMES);
  lua_pushvalue(L, handle);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pushnil(L);
    rtL_cancelled_push(L, w, 0);
  }
  return lua_error(L);
}
