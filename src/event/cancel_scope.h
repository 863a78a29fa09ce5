/* event/cancel_scope.h - the timeouts and shields that are open in a task.
**
** They nest as calls do: each knows the next outer one, and the task the innermost.
** A deadline that passes, like a cancel of the whole task, is a state and not an event:
** as long as the frame is open, every checkpoint inside raises, unless a shield stands
** between.  Of several that have passed the outermost counts, since the others end with
** it.
**
** A frame is its task's, and goes at the latest with it.  Lua code knows it by its serial
** number alone: so a coroutine with an open frame may be abandoned, closed or go on in
** another task, and nothing dangles.
*/
#ifndef RT_EVENT_CANCEL_SCOPE_H
#define RT_EVENT_CANCEL_SCOPE_H

#include "event/waiter.h"

typedef struct rt_cancel_scope {
  rt_timeout deadline;
  struct rt_cancel_scope *outer;
  rt_task *task;
  rt_driver *driver;
  const void *opener; /* the coroutine that opened it */
  rt_waiter *waiter;  /* of a scope's body: called when it is decided; NULL: none */
  rt_shared *scope;   /* that has the waiter in its queue: held, as the body may be abandoned */
  uint64_t serial;    /* tells whose error it is that comes out of it */
  bool shield;
  bool critical; /* no hook switches the task or raises in it */
  bool passed;   /* its deadline */
  bool turned;   /* and somebody inside has given way since, with something left to do */
  bool raised;   /* and some checkpoint inside has said so */
} rt_cancel_scope;

/* due: a tick of the wheel; RT_NEVER for a shield without a limit.  NULL: no memory */
rt_cancel_scope *rt_cancel_scope_open(rt_task *t, rt_driver *d, uint64_t due, bool shield);
/* Harmless when it is not open, or is another task's. */
void rt_cancel_scope_close(rt_task *t, uint64_t serial);
void rt_cancel_scope_close_all(rt_task *t);

/* Is the innermost frame one that this coroutine opened? */
static inline bool rt_cancel_scope_is_of(const rt_task *t, const void *coroutine) {
  return t->more != NULL && t->more->cancel_scopes != NULL &&
         t->more->cancel_scopes->opener == coroutine;
}

/* Is one of them critical?  The code of a scope is, but not the body that it runs: so the frame next
** to a body's does not count. */
bool rt_cancel_scope_is_critical(const rt_task *t);

/* Takes note of deadlines that have passed by this tick, before the wheel comes to them. */
void rt_cancel_scope_expire(rt_task *t, uint64_t tick);

/* What unwinds this task: nothing, one of its frames, or a cancel of all of it. */
typedef enum rt_cancel_kind { RT_CANCEL_NONE, RT_CANCEL_SCOPE, RT_CANCEL_TASK } rt_cancel_kind;
rt_cancel_kind rt_cancel_scope_effective(const rt_task *t, rt_cancel_scope **which);

/* It passes, as if its deadline had. */
void rt_cancel_scope_cancel(rt_cancel_scope *f);

/* Something has been cancelled: a parked task goes on if it is to hear of that. */
void rt_cancel_scope_deliver(rt_task *t, rt_driver *d);

#endif
