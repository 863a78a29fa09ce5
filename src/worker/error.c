#include "worker/error.h"

#include <lauxlib.h>
#include <stdlib.h>

int rtL_error_no_memory(lua_State *L) {
  luaL_error(L, "not enough memory");
  abort();
}

int rtL_error_closed(lua_State *L) {
  luaL_error(L, "the runtime has been shut down");
  abort();
}
