/* lib/std/print.c - print with one fwrite a line, so that lines of several workers do not mix. */
#include "lib/lib.h"

#include <stdio.h>

/* print(...) */
static int print(lua_State *L) {
  int n = lua_gettop(L);
  luaL_Buffer b;
  size_t len;
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&b, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '\n');
  luaL_pushresult(&b);
  const char *line = lua_tolstring(L, -1, &len);
  fwrite(line, 1, len, stdout);
  fflush(stdout);
  return 0;
}

void rtL_open_print(lua_State *L, rt_worker *w) {
  (void)w;
  if (lua_getglobal(L, "print") != LUA_TFUNCTION ||
      !lua_iscfunction(L, -1)) { /* the program's own */
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, print);
  lua_setglobal(L, "print");
}
