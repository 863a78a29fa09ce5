#include "worker/nil_hint.h"

#include "worker/bytecode.h"

#include <ctype.h>

enum { LEVELS_MAX = 16, NAME_MAX_LEN = 200 };

/* --- is this an error about a nil value that it does not name? -------------------------------- */
static bool is_unnamed_nil(const char *text) {
  static const char *const named[] = {"(global '", "(local '",  "(upvalue '",
                                      "(field '",  "(method '", "(constant '"};
  if (strstr(text, "nil") == NULL) return false;
  for (size_t i = 0; i < rt_countof(named); i++)
    if (strstr(text, named[i]) && !strstr(text, "(field '?')")) return false;
  return true;
}

/* --- the line --------------------------------------------------------------------------------- */
/* Does the text begin with the current line of this function, "file.lua:12: "? */
static bool is_from(const lua_Debug *ar, const char *text) {
  size_t len = strlen(ar->short_src);
  if (strncmp(text, ar->short_src, len) != 0 || text[len] != ':') return false;
  char *end;
  long line = strtol(text + len + 1, &end, 10);
  return *end == ':' && line == ar->currentline;
}

static bool has_place(const char *text) {
  for (const char *at = text; (at = strchr(at, ':')) != NULL; at++) {
    const char *digits = at + 1, *end = digits;
    while (isdigit((unsigned char)*end)) end++;
    if (end > digits && end[0] == ':' && end[1] == ' ') return true;
  }
  return false;
}

/* --- the globals that the line reads ---------------------------------------------------------- */
/* The number (from 0) of the upvalue of the function on top that is the table of globals; -1: none
** is. */
static int find_globals(lua_State *L) {
  const char *name;
  for (int i = 1; (name = lua_getupvalue(L, -1, i)) != NULL; i++) {
    lua_pushglobaltable(L);
    bool found = strcmp(name, "_ENV") == 0 && lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (found) return i - 1;
  }
  return -1;
}

/* Is the global nil? If the globals have a metatable, the answer is no: its __index may know the
** name, and is not called here. */
static bool is_missing(lua_State *L, const char *name) {
  lua_pushglobaltable(L);
  bool plain = !lua_getmetatable(L, -1);
  if (!plain) lua_pop(L, 1);
  lua_pushstring(L, name);
  bool missing = lua_rawget(L, -2) == LUA_TNIL && plain;
  lua_pop(L, 2);
  return missing;
}

/* Writes the names to 'names', in order, each with a zero byte behind it, and an empty name at the
** end. (They are copied because the dump is freed.) */
static void list_names(lua_State *L, int line, int globals, char *names, size_t size) {
  rt_buf b;
  rt_bytecode code;
  size_t len, used = 0;
  const char *name;
  rt_buf_init(&b);
  if (rt_bytecode_dump(L, &b) && rt_bytecode_open(&code, rt_buf_data(&b), rt_buf_len(&b))) {
    while ((name = rt_bytecode_next(&code, line, (unsigned)globals, &len)) != NULL) {
      if (len == 0 || len > NAME_MAX_LEN || used + len + 2 > size) continue;
      memcpy(names + used, name, len);
      used += len;
      names[used++] = '\0';
    }
  }
  names[used] = '\0';
  rt_buf_close(&b);
}

/* Stack: the function -> the function, the name of the first global of the line that is nil; or
** unchanged */
static bool push_missing(lua_State *L, int line) {
  char names[1024];
  int globals = find_globals(L);
  if (globals < 0) return false;
  list_names(L, line, globals, names, sizeof names);
  for (const char *name = names; *name; name += strlen(name) + 1) {
    if (!is_missing(L, name)) continue;
    lua_pushstring(L, name);
    return true;
  }
  return false;
}

/* --- recording -------------------------------------------------------------------------------- */
/* Pushes the name. If the text begins with a place ("file.lua:12: "), the function at that place
** has raised the error. If not, a C function has, and the innermost Lua function has called it. */
static bool find_nil_global(lua_State *L, const char *text) {
  lua_Debug ar;
  bool anywhere = !has_place(text), found = false;
  for (int level = 1; !found && level <= LEVELS_MAX && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline < 0 || !(anywhere || is_from(&ar, text))) continue;
    lua_getinfo(L, "f", &ar);
    found = push_missing(L, ar.currentline);
    if (anywhere) break;
    if (!found) lua_pop(L, 1);
  }
  return found;
}

void rtL_nil_hint_note(lua_State *L, rt_worker *w, int error) {
  RTL_ENTER(L, w, 0);
  int top = lua_gettop(L);
  if (w->slot == NULL) return;
  lua_pushnil(L);
  rt_anchor_set(L, w, RT_ANCHOR_NIL_ERROR);
  const char *text = rt_error_text(L, error);
  if (text && is_unnamed_nil(text) && find_nil_global(L, text)) {
    rt_anchor_set(L, w, RT_ANCHOR_NIL_NAME);
    lua_pushvalue(L, error);
    rt_anchor_set(L, w, RT_ANCHOR_NIL_ERROR);
  }
  lua_settop(L, top);
}

bool rt_nil_hint_push(lua_State *L, rt_worker *w, int error) {
  rt_anchor_push(L, w, RT_ANCHOR_NIL_ERROR);
  bool noted = lua_isstring(L, -1) && lua_rawequal(L, -1, error);
  lua_pop(L, 1);
  if (noted) rt_anchor_push(L, w, RT_ANCHOR_NIL_NAME);
  return noted;
}
