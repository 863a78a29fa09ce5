/* run/wait.h - how the running task suspends in an operation, and is resumed.
**
** An operation that may wait checks its arguments, calls the checkpoint (run/cancel.h) and tries to
** finish at once. If it has to wait, it calls rtL_wait_prepare, which raises if the code that runs
** cannot wait; puts the task on the list of what it waits for; and returns
** rtL_wait(L, w, op_k, ctx). The continuation op_k begins with rtL_wait_over and tries again.
**
** In a task the coroutine yields; lib/std/coroutine.c passes the yield outward through the
** coroutines that the program has made in between. In the main chunk the loop runs the other tasks
** here, on top of the main chunk on the C stack, until the main chunk is woken. Worker's thread.
*/
#ifndef RT_RUN_WAIT_H
#define RT_RUN_WAIT_H

#include "run/cancel.h"
#include "run/current.h"
#include "worker/worker.h"

/* Raises if the running code cannot wait: the error of a cancel or a passed deadline, or an error
** that names the C function that called this code and cannot be suspended. */
void rtL_wait_examine(lua_State *L, rt_worker *w, rt_task *t);
static inline bool rt_wait_is_plain(lua_State *L, const rt_worker *w, const rt_task *t) {
  return L == w->current.co && !w->current.blocked && !t->alert && lua_isyieldable(L);
}
static inline void rtL_wait_prepare(lua_State *L, rt_worker *w, rt_task *t) {
  if (rt_unlikely(!rt_wait_is_plain(L, w, t))) rtL_wait_examine(L, w, t);
}

/* Raises the second of these errors, but never that of a cancel or a deadline. */
void rtL_wait_check_place(lua_State *L, rt_worker *w, rt_task *t);

/* Suspends the running task; 'k' is called when it is resumed. In the main chunk, which cannot
** yield: runs the other tasks until the main chunk is woken, and calls 'k'. */
int rtL_wait_in_main(lua_State *L, rt_worker *w, lua_KFunction k, lua_KContext ctx);
static inline int rtL_wait(lua_State *L, rt_worker *w, lua_KFunction k, lua_KContext ctx) {
  if (rt_unlikely(w->current.task->is_main)) return rtL_wait_in_main(L, w, k, ctx);
  rt_current_yield(w, RT_YIELD_WAIT);
  return lua_yieldk(L, 0, ctx, k);
}

/* For an operation that may wait many times in one call. In the main chunk: waits here, so that the
** C stack does not grow with each wait, and returns true. In a task: returns false, and the
** operation calls rtL_wait. */
bool rtL_wait_in_place(lua_State *L, rt_worker *w);

/* First in 'k': raises if the wait was called off by a cancel or a deadline. */
void rtL_wait_called_off(lua_State *L, rt_worker *w);
static inline void rtL_wait_over(lua_State *L, rt_worker *w) {
  if (rt_unlikely(w->current.task->cause != RT_FIRED)) rtL_wait_called_off(L, w);
}

/* The same for a task that has only yielded to others: a cancel that came since the task was woken
** counts, too. */
static inline void rtL_wait_after_yield(lua_State *L, rt_worker *w) {
  rtL_wait_over(L, w);
  rtL_cancel_after_yield(L, w, rtL_cancel_checkpoint(L, w));
}

/* Returned in place of a number of results by the body of an operation that may wait many times:
** the task is parked, or it is in the ready queue because its budget was used up. When the task is
** resumed, the operation first calls rtL_wait_ended. */
enum { RT_WAITS = -1, RT_YIELDED = -2 };
static inline void rtL_wait_ended(lua_State *L, rt_worker *w, int how) {
  if (how == RT_YIELDED)
    rtL_wait_after_yield(L, w);
  else
    rtL_wait_over(L, w);
}

/* Called before rtL_wait_over if the operation has happened: rtL_wait_over does not raise then,
** even if the wait was called off at the same time. */
static inline void rt_wait_happened(rt_worker *w) { w->current.task->cause = RT_FIRED; }

/* Has the running task used up its budget of operations? Then it is put at the end of the ready
** queue, and the operation must call rtL_wait. */
bool rt_wait_spent(lua_State *L, rt_worker *w, rt_task *t);
static inline bool rt_wait_must_yield(lua_State *L, rt_worker *w, rt_task *t) {
  return rt_unlikely(rt_worker_spend(w, 1)) && rt_wait_spent(L, w, t);
}

#endif
