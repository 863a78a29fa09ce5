/* worker/stack_check.h - debug builds check at which height a function leaves the Lua stack.
**
** The first line of an rtL_ function states by how many values it changes the height:
** RTL_STACK_CHECK(L, +1), or RTL_ENTER(L, w, +1) of worker/worker.h. Debug builds compare that with
** the height at every return, and abort if it differs; release builds do nothing. The functions
** that do not state it are in src/README.md (Conventions).
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
  const char *function;
} rt_stack_check;

static inline void rt_stack_check_verify(const rt_stack_check *c) {
  int change = lua_gettop(c->L) - c->before;
  if (change == c->change) return;
  fprintf(stderr, "rt: %s changes the height of the stack by %+d, not by %+d\n", c->function,
          change, c->change);
  abort();
}

/* (The cleanup attribute runs the check at each return. An error jumps over it.) */
#define RTL_STACK_CHECK(L, change)                        \
  __attribute__((cleanup(rt_stack_check_verify), unused)) \
  const rt_stack_check rtl_height_ = {L, lua_gettop(L), change, __func__}

#else
#define RTL_STACK_CHECK(L, change) ((void)0)
#endif

#endif
