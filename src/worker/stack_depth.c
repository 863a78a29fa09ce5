#include "worker/stack_depth.h"

int rt_stack_depth(lua_State *co) {
  lua_Debug ar;
  int known = 0, unknown = 1; /* level known - 1 is active; level unknown - 1 may not be */
  while (lua_getstack(co, unknown - 1, &ar)) {
    known = unknown;
    unknown *= 2;
  }
  while (unknown - known > 1) {
    int middle = known + (unknown - known) / 2;
    if (lua_getstack(co, middle - 1, &ar))
      known = middle;
    else
      unknown = middle;
  }
  return known;
}

bool rt_stack_depth_is_large(lua_State *co) {
  lua_Debug ar;
  return lua_getstack(co, RT_STACK_DEPTH_LARGE, &ar);
}
