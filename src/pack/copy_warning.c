#include "pack/copy_warning.h"

#include "worker/bytecode.h"
#include "worker/stack_check.h"

#include <string.h>

/* lua_warning does nothing while warnings are off, and follows warn("@on"). (A function that
** assigns to _ENV sets its own environment.) */
static void warn_of(lua_State *L, int upvalue, int line) {
  lua_Debug ar;
  const char *name = lua_getupvalue(L, -1, upvalue);
  if (name == NULL) return;
  lua_pop(L, 1);
  if (strcmp(name, "_ENV") == 0) return;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &ar);
  lua_warning(L,
              lua_pushfstring(L,
                              "rt: %s:%d: a function that runs in another worker assigns to the "
                              "upvalue '%s', which changes only its copy",
                              ar.short_src, line, name),
              0);
  lua_pop(L, 1);
}

void rtL_copy_warning(lua_State *L, const rt_code *code) {
  RTL_STACK_CHECK(L, 0);
  int lines[RT_BYTECODE_UPVALUES];
  if (code->upvalues == 0 || !rt_bytecode_assignments(code->bytes, code->len, lines)) return;
  for (int i = 0; i < code->upvalues; i++)
    if (lines[i] != 0) warn_of(L, i + 1, lines[i]);
}
