/* run/cancel.h - the error that unwinds a cancelled task, and the checkpoints that raise it. */
#ifndef RT_RUN_CANCEL_H
#define RT_RUN_CANCEL_H

#include "event/cancel_scope.h"
#include "run/cancelled.h"
#include "worker/worker.h"

/* The running task, or an error if there is none. */
rt_task *rtL_running(lua_State *L, rt_worker *w);

/* Every operation that may wait begins with this: the running task, or an error if it
** is being cancelled, or if no task is running. */
rt_task *rtL_cancel_look(lua_State *L, rt_worker *w); /* the same, when there is something to see */
static inline rt_task *rtL_cancel_checkpoint(lua_State *L, rt_worker *w) {
  rt_task *t = w->running;
  rt_worker_assert_thread(w);
  return rt_likely(t != NULL && !t->alert && !w->stop.closed) ? t : rtL_cancel_look(L, w);
}

/* The operation has found that it must wait: a deadline that has passed counts now,
** too.  (Before, a result that is ready wins.) */
void rtL_cancel_check(lua_State *L, rt_worker *w, rt_task *t);

/* It has done so many operations that others had their turn.  Once, that may be chance: but who
** finds something ready again and again is to hear of a deadline, too. */
void rtL_cancel_turned(lua_State *L, rt_worker *w, rt_task *t);

/* Cancels a task; the reason is on top of the stack, and is popped. */
bool rtL_cancel_task(lua_State *L, rt_worker *w, rt_task *t, int handle);

/* Cancels the running task, here and now; for a hook.  Does not return. */
void rtL_cancel_running(lua_State *L, rt_worker *w, const char *reason);

/* The same for what is due at the running task, for a hook, too: the deadline of a frame, or
** (NULL) the cancel of all of it. */
void rtL_cancel_unwind(lua_State *L, rt_worker *w, rt_task *t, rt_cancel_scope *f);

/* There are no new tasks any more, for the program has ended.  Who wants one is cancelled here and
** now, if it is a task: it has done nothing wrong. */
int rtL_cancel_at_end(lua_State *L, rt_worker *w);

/* An operation is about to fail because of what somebody else has done: closed a channel, or a
** connection.  If the running task is to end as well, and has not heard of that, then this is what
** it hears, no matter who was told first. */
void rtL_cancel_takes_precedence(lua_State *L, rt_worker *w);
/* The running task has been handed what can be given back.  True: it must, and then rtL_cancel_takes_precedence
** raises: another thread has cancelled the task, perhaps before that.  (A cancel by its own state
** came later: or it would have been called off.) */
bool rt_cancel_from_other_thread(rt_worker *w);

/* Pushes who cancels now: the line, or nil. */
void rtL_cancel_push_source(lua_State *L, rt_worker *w);
/* Push the reason and the source: why a job was cancelled, two nils if nobody said; the end. */
void rtL_cancel_push_reason(lua_State *L, rt_worker *w, rt_job *j);
void rtL_cancel_push_end(lua_State *L);

/* In a cancelled task that ends with another error, of its cleaning up.  Stack: the traceback of
** that -> the same, with what the task was cancelled for. */
void rtL_cancel_note(lua_State *L, rt_worker *w, rt_task *t);

/* Raises what a cancelled task ended with. */
int rtL_cancel_rethrow(lua_State *L, rt_worker *w, int handle);

#endif
