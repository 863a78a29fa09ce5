/* run/wait.h - how a task gives control back, and gets it again.
**
** Every operation that may wait is written in one way: check the arguments; pass the
** checkpoint; try; if it has to wait, ask whether this code may (rtL_wait_prepare), arm
** the wait (put the task on the list of what it waits for), and return rtL_wait(L, w,
** op_k, ctx); op_k begins with rtL_wait_over, and tries again.
**
** In a task, the coroutine is suspended; through the coroutines that the user made in
** between, lib/std/coroutine.c passes the suspension outward.  In the main chunk, the
** others run here, below it on the C stack, until it may go on.
*/
#ifndef RT_RUN_WAIT_H
#define RT_RUN_WAIT_H

#include "run/cancel.h"
#include "worker/worker.h"

/* Raises if the running code cannot wait: what is due to be raised at this task, or an
** error that names the C function in the way. */
void rtL_wait_examine(lua_State *L, rt_worker *w, rt_task *t);
static inline bool rtL_wait_is_plain(lua_State *L, const rt_worker *w, const rt_task *t) {
  return L == w->cur && !w->blocked && !t->alert && lua_isyieldable(L);
}
static inline void rtL_wait_prepare(lua_State *L, rt_worker *w, rt_task *t) {
  if (rt_unlikely(!rtL_wait_is_plain(L, w, t))) rtL_wait_examine(L, w, t);
}

/* The latter alone. */
void rtL_wait_check_place(lua_State *L, rt_worker *w, rt_task *t);

/* Would that raise nothing?  For who has something to give back first. */
bool rtL_wait_may(lua_State *L, rt_worker *w, rt_task *t);

/* Gives control back; 'k' goes on. */
int rtL_wait_in_main(lua_State *L, rt_worker *w, lua_KFunction k, lua_KContext ctx);
static inline int rtL_wait(lua_State *L, rt_worker *w, lua_KFunction k, lua_KContext ctx) {
  if (rt_unlikely(w->running->is_main)) return rtL_wait_in_main(L, w, k, ctx);
  w->suspending = RT_YIELD_WAIT;
  return lua_yieldk(L, 0, ctx, k);
}

/* For who may wait many times in one call: in the main chunk, waits right here, where its stack does
** not grow with each, and returns true; 'k' is not called then. */
bool rtL_wait_in_place(lua_State *L, rt_worker *w);

/* First thing in 'k': raises if the wait was called off. */
void rtL_wait_called_off(lua_State *L, rt_worker *w);
static inline void rtL_wait_over(lua_State *L, rt_worker *w) {
  if (rt_unlikely(w->running->cause != RT_FIRED)) rtL_wait_called_off(L, w);
}

/* The same where nothing has been got yet: a cancel that came since the task was woken counts, too. */
static inline void rtL_wait_turned(lua_State *L, rt_worker *w) {
  rtL_wait_over(L, w);
  rtL_cancel_turned(L, w, rtL_cancel_checkpoint(L, w));
}

/* In place of a number of results, what an operation has come to that may wait many times: its wait
** is armed, or it is queued, having given way.  Then, first thing when it goes on: */
enum { RT_WAITS = -1, RT_GAVE_WAY = -2 };
static inline void rtL_wait_ended(lua_State *L, rt_worker *w, int how) {
  if (how == RT_GAVE_WAY)
    rtL_wait_turned(L, w);
  else
    rtL_wait_over(L, w);
}

/* What was waited for has happened, even if the wait was called off at the same time. */
static inline void rtL_wait_happened(rt_worker *w) { w->running->cause = RT_FIRED; }

/* Has the running task done so many operations in one go that others should have
** their turn?  Then it is queued at the end, and is to wait. */
bool rtL_wait_spent(lua_State *L, rt_worker *w, rt_task *t);
static inline bool rtL_wait_must_yield(lua_State *L, rt_worker *w, rt_task *t) {
  return rt_unlikely(--w->loop.budget <= 0) && rtL_wait_spent(L, w, t);
}

#endif
