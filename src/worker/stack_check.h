/* worker/stack_check.h - a function leaves the stack as high as its author believes.
**
** Every rtL_ function that comes back says first what it does to the stack, in values more or less:
** RTL_STACK_CHECK(L, +1), or RTL_ENTER(L, w, +1) of worker/worker.h.  Debug builds look whether that is so,
** wherever it returns; the others cost nothing.  Three kinds say nothing: who only raises or yields,
** who pushes as many as its result says, and who is called by Lua, which has its own rules.
*/
#ifndef RT_WORKER_STACK_CHECK_H
#define RT_WORKER_STACK_CHECK_H

#include "base/base.h"

#include <lua.h>
#include <stdio.h>

#if RT_DEBUG

typedef struct rt_stack_check {
  lua_State *L;
  int before, change;
  const char *who;
} rt_stack_check;

static inline void rtL_stack_check_verify(const rt_stack_check *h) {
  int change = lua_gettop(h->L) - h->before;
  if (change == h->change) return;
  fprintf(stderr, "rt: %s changes the height of the stack by %+d, not by %+d\n", h->who, change,
          h->change);
  abort();
}

/* (an error jumps over the look) */
#define RTL_STACK_CHECK(L, change)                 \
  __attribute__((cleanup(rtL_stack_check_verify))) \
  const rt_stack_check rtl_height_ = {L, lua_gettop(L), change, __func__}

#else
#define RTL_STACK_CHECK(L, change) ((void)0)
#endif

#endif
