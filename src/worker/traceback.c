#include "worker/traceback.h"

#include "worker/nil_hint.h"
#include "worker/stack_depth.h"

/* So many tracebacks are put in front of a recorded one. An error that is caught is still recorded,
** and an equal string that is raised next looks as if it had come out of that call. */
enum { JOINED_MAX = 16 };

enum { DEEP_LEVELS = 10 }; /* shown of a deep stack, as luaL_traceback shows of each end */

/* Stack: error, traceback -> nothing */
static void keep_raised(lua_State *L, rt_worker *w, bool whole) {
  rt_anchor_set(L, w, RT_ANCHOR_RAISED_TRACE);
  rt_anchor_set(L, w, RT_ANCHOR_RAISED);
  w->traceback.slice = w->loop.slices;
  w->traceback.complete = whole;
}

static void forget_raised(lua_State *L, rt_worker *w) {
  lua_pushnil(L);
  rt_anchor_set(L, w, RT_ANCHOR_RAISED);
}

/* An error that is a string or a number may be equal to the recorded error by chance. It counts as
** the same error only if no other task has run since. */
static bool may_be_another(lua_State *L, rt_worker *w, int error) {
  int type = lua_type(L, error);
  bool has_identity = type == LUA_TTABLE || type == LUA_TUSERDATA;
  return !has_identity && w->traceback.slice != w->loop.slices;
}

bool rt_traceback_find(lua_State *L, rt_worker *w, int error) {
  rt_worker_assert_thread(w);
  error = lua_absindex(L, error);
  rt_anchor_push(L, w, RT_ANCHOR_RAISED);
  bool same = !lua_isnil(L, -1) && lua_rawequal(L, -1, error) && !may_be_another(L, w, error);
  lua_pop(L, 1);
  if (same) rt_anchor_push(L, w, RT_ANCHOR_RAISED_TRACE);
  return same;
}

static bool ends_with(const char *text, size_t len, const char *end, size_t end_len) {
  return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* Stack: the recorded traceback, the present one. If the error came out of a call from here, the
** recorded traceback ends with the functions that are active now, and the present one adds
** nothing. */
static bool contains_present(lua_State *L) {
  size_t noted_len, len;
  const char *noted = lua_tolstring(L, -2, &noted_len), *present = lua_tolstring(L, -1, &len);
  const char *functions = noted && present ? strchr(present, '\n') : NULL;
  return functions && ends_with(noted, noted_len, functions, len - (size_t)(functions - present));
}

/* Pushes what a function is called. */
static void push_function(lua_State *L, const lua_Debug *ar) {
  if (*ar->namewhat)
    lua_pushfstring(L, "%s '%s'", ar->namewhat, ar->name);
  else if (*ar->what == 'C')
    lua_pushliteral(L, "?");
  else
    lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
}

/* luaL_traceback of a stack that is deep (stack_depth.h): without the outermost functions. */
static void push_deep_traceback(lua_State *L, int level) {
  lua_Debug ar;
  int base = lua_gettop(L);
  luaL_checkstack(L, 3 * DEEP_LEVELS + 5, NULL);
  lua_pushliteral(L, "stack traceback:");
  for (int i = level; i < level + DEEP_LEVELS && lua_getstack(L, i, &ar); i++) {
    lua_getinfo(L, "Slnt", &ar);
    if (ar.currentline > 0)
      lua_pushfstring(L, "\n\t%s:%d: in ", ar.short_src, ar.currentline);
    else
      lua_pushfstring(L, "\n\t%s: in ", ar.short_src);
    push_function(L, &ar);
    if (ar.istailcall) lua_pushliteral(L, "\n\t(...tail calls...)");
  }
  lua_pushfstring(L, "\n\t...\t(more than %d levels)", RT_STACK_DEPTH_LARGE);
  lua_concat(L, lua_gettop(L) - base);
}

static void push_traceback(lua_State *L, int level) {
  if (rt_unlikely(rt_stack_depth_is_large(L)))
    push_deep_traceback(L, level);
  else
    luaL_traceback(L, L, NULL, level);
}

void rtL_traceback_where(lua_State *L, rt_worker *w, int error, int level) {
  rt_worker_assert_thread(w);
  error = lua_absindex(L, error);
  bool noted = rt_traceback_find(L, w, error), whole = w->traceback.complete;
  if (noted) forget_raised(L, w);
  if (!noted) w->traceback.joined = 0;
  if (noted && (whole || w->traceback.joined == JOINED_MAX)) return;
  if (!noted) rtL_nil_hint_note(L, w, error); /* (else the function that raised it has returned) */
  push_traceback(L, level);
  if (!noted) return;
  if (contains_present(L)) {
    lua_pop(L, 1);
    return;
  }
  w->traceback.joined++;
  lua_pushliteral(L, "\n");
  lua_rotate(L, -3, -1); /* present, newline, noted */
  lua_concat(L, 3);
}

int rtL_traceback_handler(lua_State *L) {
  rt_worker *w = rt_worker_find(L);
  lua_settop(L, 1);
  if (rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, 1)) return 1;
  lua_pushvalue(L, 1);
  rtL_traceback_where(L, w, 1, 1);
  keep_raised(L, w, false);
  return 1;
}

static int raise_recorded(lua_State *L, rt_worker *w, bool whole) {
  lua_pushvalue(L, -2);
  lua_insert(L, -2);
  keep_raised(L, w, whole);
  return lua_error(L);
}

int rtL_traceback_raise(lua_State *L, rt_worker *w) { return raise_recorded(L, w, false); }
int rtL_traceback_raise_whole(lua_State *L, rt_worker *w) { return raise_recorded(L, w, true); }
