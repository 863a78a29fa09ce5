/* worker/stack_check.h - a function leaves the stack as high as its author believes.
**
** Every rtL_ function that comes back says first what it does to the stack, in values more or less:
** RTL_HEIGHT(L, +1), or RTL_ENTER(L, w, +1) of worker.h.  Debug builds look whether that is so,
** wherever it returns; the others cost nothing.  Three kinds say nothing: who only raises or yields,
** who pushes as many as its result says, and who is called by Lua, which has its own rules.
*/
#ifndef RT_HEIGHT_H
#define RT_HEIGHT_H

#include "base/base.h"

#include <lua.h>
#include <stdio.h>

#if RT_DEBUG

typedef struct rt_height {
  lua_State *L;
  int before, change;
  const char *who;
} rt_height;

static inline void rtL_height_look(const rt_height *h) {
  int change = lua_gettop(h->L) - h->before;
  if (change == h->change) return;
  fprintf(stderr, "rt: %s changes the height of the stack by %+d, not by %+d\n", h->who, change,
          h->change);
  abort();
}

/* (an error jumps over the look) */
#define RTL_HEIGHT(L, change)               \
  __attribute__((cleanup(rtL_height_look))) \
  const rt_height rtl_height_ = {L, lua_gettop(L), change, __func__}

#else
#define RTL_HEIGHT(L, change) ((void)0)
#endif

#endif
