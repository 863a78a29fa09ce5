#include "worker/lua_state.h"

#include <stdio.h>
#include <string.h>

/* --- warnings: off until warn("@on"), as in luaL_newstate ------------------------------------- */
static void warn_off(void *ud, const char *message, int to_be_continued);
static void warn_on(void *ud, const char *message, int to_be_continued);
static void warn_rest(void *ud, const char *message, int to_be_continued);

static bool is_control(lua_State *L, const char *message, int to_be_continued) {
  if (to_be_continued || *message != '@') return false;
  if (strcmp(message, "@off") == 0) lua_setwarnf(L, warn_off, L);
  if (strcmp(message, "@on") == 0) lua_setwarnf(L, warn_on, L);
  return true;
}

#if RT_DEBUG
static rt_atomic(long) failed_finalizers;
long rt_lua_state_lost(void) { return rt_load(&failed_finalizers); }
#endif

static void warn_off(void *ud, const char *message, int to_be_continued) {
#if RT_DEBUG
  if (to_be_continued && strncmp(message, "__gc", 4) == 0) rt_add(&failed_finalizers, 1);
#endif
  is_control(ud, message, to_be_continued);
}

static void warn_rest(void *ud, const char *message, int to_be_continued) {
  fputs(message, stderr);
  if (!to_be_continued) {
    fputc('\n', stderr);
    fflush(stderr);
  }
  lua_setwarnf(ud, to_be_continued ? warn_rest : warn_on, ud);
}

static void warn_on(void *ud, const char *message, int to_be_continued) {
  if (is_control(ud, message, to_be_continued)) return;
  fputs("Lua warning: ", stderr);
  warn_rest(ud, message, to_be_continued);
}

static int panic(lua_State *L) {
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n",
          message ? message : "error object is not a string");
  fflush(stderr);
  return 0;
}

lua_State *rt_lua_state_new(void) {
  rt_arena *a = rt_arena_new();
  lua_State *L = a ? lua_newstate(rt_arena_alloc, a) : NULL;
  if (L == NULL) {
    if (a) rt_arena_free(a);
    return NULL;
  }
  lua_atpanic(L, panic);
  lua_setwarnf(L, warn_off, L);
  return L;
}

void rt_lua_state_close(lua_State *L) {
  void *arena;
  lua_getallocf(L, &arena);
  lua_close(L);
  rt_arena_free(arena);
}
