/* event/cancel_scope.h - the timeouts and shields that are open in a task.
**
** Cancel scopes nest as calls do: each refers to the next outer one, and the task to the innermost.
** That a deadline has passed, or that the task was cancelled, is a state and not an event: as long
** as the scope is open, every checkpoint inside raises an error, unless a shield is between. If
** several deadlines have passed, the outermost scope counts, since it ends the inner ones.
**
** A scope belongs to its task, and is freed with it at the latest. Lua code knows a scope only by
** its serial number. So a coroutine in which a scope is open can be abandoned, closed, or resumed
** by another task, and no pointer dangles.
**
** All functions: worker's thread.
*/
#ifndef RT_EVENT_CANCEL_SCOPE_H
#define RT_EVENT_CANCEL_SCOPE_H

#include "event/waiter.h"

typedef struct rt_cancel_scope {
  rt_timer_call deadline;
  struct rt_cancel_scope *outer;
  rt_task *task;
  rt_driver *driver;
  const void *opener; /* the coroutine (lua_State) that opened it */
  rt_waiter *waiter;  /* of the body of an rt.scope: called when its group is decided; else NULL */
  rt_shared *group;   /* held; the group of the waiter, or of 'group_opener'; NULL: neither */
  rt_task *volatile *group_opener; /* in the group: NULL when the scope is closed; or no pointer */
  uint64_t serial; /* identifies the scope; the error that the scope raises has it */
  bool shield;     /* until its deadline, no cancel of the task or of an outer scope counts */
  bool critical;   /* the preemption hook does nothing inside of it */
  bool passed;     /* its deadline has passed, or rt_cancel_scope_cancel was called */
  bool yielded; /* the task has used up its budget once since 'passed' (rtL_cancel_after_yield) */
  bool raised;  /* a checkpoint has raised its error */
} rt_cancel_scope;

/* Opens a scope, inside the innermost one. due: a tick of the wheel; RT_NEVER: no deadline. NULL:
** no memory. */
rt_cancel_scope *rt_cancel_scope_open(rt_task *t, rt_driver *d, uint64_t due, bool shield);

/* The innermost scope is that of the code of rt.scope: while it is open, *opener, which is a part
** of 'group', is its task. */
void rt_cancel_scope_set_opener(rt_task *t, rt_shared *group, rt_task *volatile *opener);

/* Closes the scope of this task with this serial number. Does nothing if there is none. */
void rt_cancel_scope_close(rt_task *t, uint64_t serial);
void rt_cancel_scope_close_all(rt_task *t);

/* Was the innermost scope opened by this coroutine? */
static inline bool rt_cancel_scope_is_of(const rt_task *t, const void *coroutine) {
  return t->more != NULL && t->more->cancel_scopes != NULL &&
         t->more->cancel_scopes->opener == coroutine;
}

/* Is an open scope of the task critical? The code of rt.scope runs in a critical scope, but the
** body that it calls is not critical. The body has a scope with a waiter inside the critical one,
** so of each such pair neither counts. */
bool rt_cancel_scope_is_critical(const rt_task *t);

/* Does an open shield put a cancel of the whole task off, also where it waits? Also a signal
** handler of the thread, while the task waits or is blocked in a call. */
bool rt_cancel_scope_is_shielded(const rt_task *t);

/* The same for the code of the task: a critical scope puts the cancel off, too, until the task
** waits (in rt.scope it waits in one). */
bool rt_cancel_scope_is_protected(const rt_task *t);

/* Sets 'passed' in the scopes whose deadline is this tick or an earlier one, before the wheel fires
** them. */
void rt_cancel_scope_expire(rt_task *t, uint64_t tick);

/* What unwinds this task now: nothing, a scope (*which), or a cancel of the whole task. */
typedef enum rt_cancel_kind { RT_CANCEL_NONE, RT_CANCEL_SCOPE, RT_CANCEL_TASK } rt_cancel_kind;
rt_cancel_kind rt_cancel_scope_effective(const rt_task *t, rt_cancel_scope **which);

/* Cancels what runs in the scope, as if its deadline had passed. */
void rt_cancel_scope_cancel(rt_cancel_scope *scope);

/* Called after the task or one of its scopes was cancelled: sets 'alert', and if the task is parked
** and has to be unwound, withdraws its wait and wakes it. */
void rt_cancel_scope_deliver(rt_task *t, rt_driver *d);

#endif
