#include "worker/error.h"

#include "base/fork.h"
#include "event/driver.h"

#include <lauxlib.h>
#include <stdlib.h>

int rtL_error_no_memory(lua_State *L) {
  luaL_error(L, "not enough memory");
  abort();
}

int rtL_error_closed(lua_State *L) {
  luaL_error(L, rt_fork_is_child()
                    ? "rt cannot be used in a child of fork, which may only end or call exec"
                    : "the runtime has been shut down");
  abort();
}

void rtL_error_if_forked(lua_State *L) {
  if (rt_fork_is_child()) rtL_error_closed(L);
}

int rtL_error_system(lua_State *L, const char *what, int err) {
  luaL_error(L, "%s: %s: %s", what, rt_system_error_name(err), rt_system_error_text(err));
  abort();
}
