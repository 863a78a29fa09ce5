/* lib/operation.h - operations that may wait, each described once.
**
** A method such as channel:recv() and a branch of rt.select do the same: they try an operation, and
** if that cannot be done yet, the task waits for it. An rt_op_kind describes an operation; an
** rt_branch is one use of it. Two callers follow the description:
** - rtL_operation_run, for a method: one branch, with a waiter of its own and no garbage;
** - lib/task/select.c, for rt.select: several branches, of which exactly one is done. There an
**   operation is a value, an rt.operation, which a method such as channel:recv_op() makes.
**
** There are two sorts of operation. Those on objects that several workers share (channels, locks,
** jobs) wait with a waiter (event/waiter.h): when it is called, the operation has been done, and
** 'finish' pushes its results. Those of one state (the clock, sockets, tasks) park the task, or its
** proxy, on a list of this state: that it is woken only says that another attempt is worth it.
**
** The order of checks, the same for all:
** 1. The method checks its arguments; misuse raises.
** 2. The checkpoint: a task that is being cancelled raises.
** 3. The budget: a task that has done many operations in one go first yields to other tasks.
** 4. 'attempt'. A result that is ready wins over a deadline that has passed.
** 5. The operation must wait: rtL_wait_prepare raises if a deadline has passed, or if this code
**    cannot wait.
** 6. 'prepare' does what may raise; then the waiter is made.
** 7. 'arm' puts the waiter, or the task, on the list of what it waits for; if the operation can be
**    done by now, the waiter is freed and 'attempt' follows once more. Arming does nothing that
**    could not be undone, so that a select can arm all its branches and withdraw them again.
** 8. The task is parked, and resumed when it is woken or its wait is called off. Its waiter is
**    withdrawn: either it was called, then the operation has happened and counts even if the task
**    was cancelled at the same time; or nothing has happened and never will, and rtL_wait_over
**    raises.
**
** Joins, once:get and group:wait have no step 3; rt.sleep has neither 3 nor 4. Steps 4, 7 and 8 on
** shared objects are checked by spec/model/select.c and by the models of the objects.
*/
#ifndef RT_LIB_OPERATION_H
#define RT_LIB_OPERATION_H

#include "event/waiter.h"
#include "lib/shared.h"

typedef struct rt_branch {
  /* the operation */
  void *object;    /* the body of the userdata whose method it is */
  uint64_t number; /* its argument, if that is a number: permits, bytes, nanoseconds */
  int op;          /* stack index of the rt.operation; 0: a method, whose object is at index 1 */
  /* the wait */
  int kept;             /* stack index of the value that 'prepare' has left; 0: none */
  uint64_t due;         /* the tick of the timer wheel that it waits for; 0: not set */
  rt_waiter *waiter;    /* NULL: its kind has none */
  rt_task *task;        /* what 'arm' parks: the running task, or its proxy in a select */
  rt_timer_call *timer; /* what 'arm' starts in a select; NULL: the task itself sleeps */
  rt_message *message;  /* to be sent, while no waiter has it; for 'finish': what the waiter had */
  int answer;           /* for 'finish': what the waiter was called with */
  int error;            /* UV_E…, set by 'arm': the operation fails; 0: none */
} rt_branch;

/* All functions: worker's thread. */
typedef struct rt_op_kind {
  const char *name; /* in tostring(operation) */
  rt_op waits_for;  /* what rt.dump says of a task that waits in the method */
  bool has_waiter;  /* the object is an rt_shared_ref, and 'arm' queues b->waiter */
  /* Does the operation if it can be done at once: pushes the results and returns how many. Returns
  ** -1 if it would have to wait; then the stack is as before. */
  int (*attempt)(lua_State *L, rt_worker *w, rt_branch *b);
  /* Called once, before the first 'arm': does what may raise. It may leave one value on the stack,
  ** which stays there until the operation is over (b->kept). NULL: there is nothing to do. */
  void (*prepare)(lua_State *L, rt_worker *w, rt_branch *b);
  /* Queues the waiter, or parks b->task (rt_operation_park, rt_operation_sleep). Must not raise.
  ** Returns false if another attempt is worth it, or if it has set b->error. */
  bool (*arm)(lua_State *L, rt_worker *w, rt_branch *b);
  /* The waiter was called: pushes the results and returns how many. All waiters are freed. NULL:
  ** the kind has no waiter. */
  int (*finish)(lua_State *L, rt_worker *w, rt_branch *b);
  /* Without waiter: the continuation of the method, which begins with rtL_wait_over and pushes the
  ** results. NULL: 'attempt' follows when the task was woken. */
  lua_KFunction resume;
  /* The number of a method that has yielded before its attempt, from its stack. NULL: it has
  ** none. */
  uint64_t (*number)(lua_State *L);
  /* Counts the tasks that wait in the method (+1, later -1), however they wait. NULL: not
  ** needed. */
  void (*count_waiting)(void *object, int change);
} rt_op_kind;

/* The shared object of a branch whose kind has a waiter. */
static inline rt_shared *rt_branch_shared(const rt_branch *b) {
  return ((const rt_shared_ref *)b->object)->shared;
}

/* For 'arm': b->task waits on this list; or until the tick b->due of the timer wheel. */
static inline void rt_operation_park(rt_branch *b, rt_op op, rt_list *list) {
  rt_task_park(b->task, op, b->object, list);
}
static inline void rt_operation_sleep(rt_branch *b, rt_driver *d) {
  if (b->timer == NULL)
    rt_task_sleep(b->task, &d->wheel, b->due);
  else if (b->due != RT_NEVER)
    rt_wheel_add(&d->wheel, &b->timer->timer, RT_TIMER_CALL, b->due);
}

/* --- methods ---------------------------------------------------------------------------------- */
/* The rest of a method: each is the last thing that it does, `return rtL_operation_run(...)`, with
** its object at stack index 1. They are inline and 'kind' is a constant, so that the compiler calls
** the functions of the kind directly: the description costs nothing. */
#define RT_OPERATION_INLINE static inline __attribute__((always_inline))

/* For the functions below; those that take an rt_branch by value are seldom called. */
int rtL_operation_yield(lua_State *L, rt_worker *w, const rt_op_kind *kind, void *object);
int rtL_operation_retry(lua_State *L, rt_worker *w, const rt_op_kind *kind, rt_branch b);
int rtL_operation_no_memory(lua_State *L, rt_worker *w, rt_message *unsent);
int rtL_operation_resume_called(lua_State *L, int status, lua_KContext waiter);
int rtL_operation_resume_woken(lua_State *L, int status, lua_KContext kind);

/* Step 7, and the first half of 8. False: another attempt is worth it, or 'arm' has failed. */
RT_OPERATION_INLINE bool rtL_operation_park(lua_State *L, rt_worker *w, const rt_op_kind *kind,
                                            rt_branch *b) {
  if (!kind->has_waiter) {
    b->task = w->current.task;
    return kind->arm(L, w, b);
  }
  rt_waiter *waiter = b->waiter = rt_waiter_new(&w->driver);
  if (rt_unlikely(waiter == NULL)) rtL_operation_no_memory(L, w, b->message);
  waiter->owner = (void *)kind;
  waiter->message = b->message;
  bool queued = kind->arm(L, w, b);
  if (queued) rt_waiter_park(waiter, w->current.task, kind->waits_for);
  return queued;
}

RT_OPERATION_INLINE int rtL_operation_suspend(lua_State *L, rt_worker *w, const rt_op_kind *kind,
                                              rt_branch *b) {
  if (kind->count_waiting) kind->count_waiting(b->object, +1);
  if (kind->has_waiter) return rtL_wait(L, w, rtL_operation_resume_called, (lua_KContext)b->waiter);
  return rtL_wait(L, w, kind->resume ? kind->resume : rtL_operation_resume_woken,
                  (lua_KContext)kind);
}

/* From step 5 on. */
RT_OPERATION_INLINE int rtL_operation_wait(lua_State *L, rt_worker *w, const rt_op_kind *kind,
                                           void *object, uint64_t number) {
  rt_branch b = {.object = object, .number = number};
  rtL_wait_prepare(L, w, w->current.task);
  if (kind->prepare) kind->prepare(L, w, &b);
  return rt_likely(rtL_operation_park(L, w, kind, &b)) ? rtL_operation_suspend(L, w, kind, &b)
                                                       : rtL_operation_retry(L, w, kind, b);
}

/* From step 4 on. */
RT_OPERATION_INLINE int rtL_operation_begin(lua_State *L, rt_worker *w, const rt_op_kind *kind,
                                            void *object, uint64_t number) {
  rt_branch b = {.object = object, .number = number};
  int results = kind->attempt(L, w, &b);
  return rt_likely(results >= 0) ? results : rtL_operation_wait(L, w, kind, object, number);
}

/* From step 2 on. */
RT_OPERATION_INLINE int rtL_operation_run(lua_State *L, rt_worker *w, const rt_op_kind *kind,
                                          void *object, uint64_t number) {
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_wait_must_yield(L, w, t)) return rtL_operation_yield(L, w, kind, object);
  return rtL_operation_begin(L, w, kind, object, number);
}

/* --- values for rt.select --------------------------------------------------------------------- */
/* The body of an rt.operation. User value 1 is the object, 2 the table of its further arguments; of
** one that was made by op:map, 3 is the function. */
typedef struct rt_operation {
  const rt_op_kind *kind;
  void *object; /* as in rt_branch */
  uint64_t number;
  bool is_mapped; /* it was made by op:map */
} rt_operation;
enum {
  RT_OPERATION_OBJECT = 1,
  RT_OPERATION_ARGS,
  RT_OPERATION_VALUES = RT_OPERATION_ARGS,
  RT_OPERATION_MAP,
  RT_OPERATION_MAPPED_VALUES = RT_OPERATION_MAP
};

/* Replaces the stack (the object at 1, further arguments above) by the operation; returns 1. */
int rtL_operation_new(lua_State *L, rt_worker *w, const rt_op_kind *kind, uint64_t number);

/* The hook 'wake_select': the proxy task of a branch was woken. In lib/task/select.c, which has no
** header. */
void rt_select_wake(rt_task *proxy);

#endif
