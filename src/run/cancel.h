/* run/cancel.h - checkpoints, where a cancelled task raises rt.Cancelled; cancelling a local task.
**
** A cancel and a deadline that has passed are states of the task (event/cancel_scope). 'alert' says
** that one of them may apply, so a checkpoint of a task that is not being cancelled is one test.
**
** All functions: worker's thread.
*/
#ifndef RT_RUN_CANCEL_H
#define RT_RUN_CANCEL_H

#include "event/cancel_scope.h"
#include "run/cancelled.h"
#include "worker/worker.h"

/* The running task. Raises if there is none, or the runtime has been shut down. */
rt_task *rtL_cancel_get_running(lua_State *L, rt_worker *w);

/* Every operation that may wait begins with this. Returns the running task; raises if the task is
** being cancelled, or none is running. */
rt_task *rtL_cancel_checkpoint_slow(lua_State *L, rt_worker *w); /* the slow path */
static inline rt_task *rtL_cancel_checkpoint(lua_State *L, rt_worker *w) {
  rt_task *t = w->current.task;
  rt_worker_assert_thread(w);
  return rt_likely(t != NULL && !t->alert && !w->stop.closed) ? t
                                                              : rtL_cancel_checkpoint_slow(L, w);
}

/* Called when the operation has to wait. Here a deadline that has passed raises, too. It does not
** at the checkpoint before, where a result that is ready wins (G10). */
void rtL_cancel_check(lua_State *L, rt_worker *w, rt_task *t);

/* Called when the task has used up its budget and was resumed in the next turn. At the second such
** call after a deadline has passed, it raises: otherwise a loop of operations that are always ready
** would outlive its timeout. */
void rtL_cancel_after_yield(lua_State *L, rt_worker *w, rt_task *t);

/* Cancels a local task, whose handle is at index 'handle'. Stack: reason -> nothing. False: it has
** ended. */
bool rtL_cancel_task(lua_State *L, rt_worker *w, rt_task *t, int handle);

/* The running task is cancelled by a signal (w->signals.interrupted). */
void rtL_cancel_by_signal(lua_State *L, rt_worker *w, rt_task *t);

/* Pushes the reason and the source of such a cancel. */
void rtL_cancel_push_signal(lua_State *L, rt_worker *w);

/* In a hook: raises the error by which the running task is to be unwound, that of scope 'scope' or,
** for NULL, of a cancel of the whole task. Does not return. */
void rtL_cancel_unwind(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *scope);

/* Called when a task is to be spawned while the program ends. In a task raises rt.Cancelled, so
** that the task does not count as failed; in the main chunk raises an error. */
int rtL_cancel_at_end(lua_State *L, rt_worker *w);

/* Called when an operation is about to fail because a channel or a connection was closed. If the
** running task is also being cancelled and no rt.Cancelled was raised in it yet, raises that
** instead of the operation's own failure: when a scope or the program ends, the tasks see their
** cancel, whatever was closed first. */
void rtL_cancel_takes_precedence(lua_State *L, rt_worker *w);

/* Called when the running task has received what can be given back: a lock, permits. True: another
** thread has cancelled the task, perhaps before that, so the caller gives it back and calls
** rtL_cancel_takes_precedence, which raises. (If the task's own state had cancelled it before, its
** waiter would have been withdrawn.) */
bool rt_cancel_from_other_thread(rt_worker *w);

/* Pushes the line that is running, as the source of a cancel; nil: it is not known. */
void rtL_cancel_push_source(lua_State *L, rt_worker *w);

/* Pushes the reason and the source of a job's cancel; two nils: none were given. */
void rtL_cancel_push_reason(lua_State *L, rt_worker *w, rt_job *j);

/* Pushes the reason and the source of a cancel by the end of the program. */
void rtL_cancel_push_end(lua_State *L);

/* A cancelled task has ended with another error, raised while it was unwound. Stack: traceback of
** that error -> the same, with the reason of the cancel. Does nothing if the task is not
** cancelled. */
void rtL_cancel_note(lua_State *L, rt_worker *w, rt_task *t);

/* In a joiner: raises the rt.Cancelled with which a task has ended. */
int rtL_cancel_rethrow(lua_State *L, rt_worker *w, int handle);

#endif
