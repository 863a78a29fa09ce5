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

/* Stack: the function. Writes to 'names' the fields of this upvalue (0 is the first) that the line
** reads, in order, each with a zero byte behind it, and an empty name at the end. (They are copied
** because the dump is freed.) */
static void list_names(lua_State *L, int line, int upvalue, char *names, size_t size) {
  rt_buf b;
  rt_bytecode code;
  size_t len, used = 0;
  const char *name;
  rt_buf_init(&b);
  if (rt_bytecode_dump(L, &b) && rt_bytecode_open(&code, rt_buf_data(&b), rt_buf_len(&b))) {
    while ((name = rt_bytecode_next(&code, line, (unsigned)upvalue, &len)) != NULL) {
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

/* --- fields of modules ------------------------------------------------------------------------ */
/* Is the value on top a table of package.loaded, such as a library of Lua or the globals, which has
** no field 'field'? Pushes "string.trim" then. Stack: value -> value, text; or unchanged */
static bool push_module_field(lua_State *L, const char *field) {
  int value = lua_gettop(L);
  if (!lua_istable(L, value)) return false;
  lua_pushstring(L, field);
  bool found = lua_rawget(L, value) == LUA_TNIL;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L);
  while (found && lua_next(L, value + 2)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, value)) {
      lua_pushfstring(L, "%s.%s", lua_tostring(L, -2), field);
      lua_replace(L, value + 1);
      lua_settop(L, value + 1);
      return true;
    }
    lua_pop(L, 1);
  }
  lua_settop(L, value);
  return false;
}

static bool is_in(const char *names, const char *wanted) {
  while (*names && strcmp(names, wanted) != 0) names += strlen(names) + 1;
  return *names != '\0';
}

/* Stack: the function -> the function, text. Does the line read a global that is such a table, or
** this field of an upvalue that is one? */
static bool push_field_of_line(lua_State *L, int line, const char *field) {
  char names[1024];
  int function = lua_gettop(L), globals = find_globals(L);
  names[0] = '\0';
  if (globals >= 0) list_names(L, line, globals, names, sizeof names);
  for (const char *name = names; *name; name += strlen(name) + 1) {
    lua_pushglobaltable(L);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (push_module_field(L, field)) return true;
    lua_settop(L, function);
  }
  for (int i = 1; lua_getupvalue(L, function, i) != NULL; i++) {
    bool found = i - 1 != globals && push_module_field(L, field);
    if (found) {
      lua_pushvalue(L, function);
      list_names(L, line, i - 1, names, sizeof names);
      lua_pop(L, 1);
      if (is_in(names, field)) return true;
    }
    lua_settop(L, function);
  }
  return false;
}

/* The method of a string? It was called: its place, which is nil, and the string follow one another
** behind the locals of the function. */
static bool push_string_method(lua_State *L, const lua_Debug *ar, const char *method) {
  bool was_nil = false, found = false;
  const char *name;
  for (int i = 1; !found && (name = lua_getlocal(L, ar, i)) != NULL; i++) {
    found = was_nil && lua_type(L, -1) == LUA_TSTRING;
    was_nil = *name == '(' && lua_isnil(L, -1);
    lua_pop(L, 1);
  }
  if (!found) return false;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_STRLIBNAME);
  return push_module_field(L, method);
}

/* Writes the name in "a nil value (field 'name')". */
static bool read_nil_name(const char *text, const char *before, char name[NAME_MAX_LEN]) {
  const char *from = strstr(text, before);
  if (from == NULL) return false;
  from += strlen(before);
  size_t len = strcspn(from, "'");
  if (len == 0 || len >= NAME_MAX_LEN || *from == '?') return false;
  memcpy(name, from, len);
  name[len] = '\0';
  return true;
}

/* Pushes "string.trim" and what was needed to find it. */
static bool find_nil_field(lua_State *L, const char *text) {
  char name[NAME_MAX_LEN];
  bool is_method = read_nil_name(text, "a nil value (method '", name);
  if (!is_method && !read_nil_name(text, "a nil value (field '", name)) return false;
  lua_Debug ar;
  for (int level = 1; level <= LEVELS_MAX && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline < 0 || !is_from(&ar, text)) continue;
    if (is_method) return push_string_method(L, &ar, name);
    lua_getinfo(L, "f", &ar);
    return push_field_of_line(L, ar.currentline, name);
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
  if (text && (is_unnamed_nil(text) ? find_nil_global(L, text) : find_nil_field(L, text))) {
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
