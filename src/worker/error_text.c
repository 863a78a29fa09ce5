#include "worker/error_text.h"

#include "base/base.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

enum {
  TEXT_MAX = 1000,    /* bytes of the whole text, beside the final "..." */
  STRING_MAX = 200,   /* bytes of a string within the table */
  FIELDS_MAX = 16,    /* fields of a table that are shown */
  DEPTH_MAX = 4,      /* tables within each other */
  ENTRIES_MAX = 10000 /* entries of all tables that are looked at */
};

typedef struct text {
  char bytes[TEXT_MAX + sizeof "..."];
  size_t len;
  bool full;
  int entries;           /* that were looked at */
  int name_key;          /* the place of the string "__name" on the stack */
  int tables[DEPTH_MAX]; /* the places of the tables that are being shown */
} text;

/* --- writing ---------------------------------------------------------------------------------- */
static bool continues(char byte) { return (byte & 0xc0) == 0x80; } /* a character of UTF-8 */

/* The text is full: these bytes are the first that have no room. */
static void show_last(text *t, const char *bytes) {
  if (continues(*bytes)) {
    while (t->len > 0 && continues(t->bytes[t->len - 1])) t->len--;
    if (t->len > 0) t->len--;
  }
  memcpy(t->bytes + t->len, "...", 3);
  t->len += 3;
  t->full = true;
}

static void show_bytes(text *t, const char *bytes, size_t n) {
  if (t->full) return;
  size_t room = TEXT_MAX - t->len, fits = n < room ? n : room;
  memcpy(t->bytes + t->len, bytes, fits);
  t->len += fits;
  if (fits < n) show_last(t, bytes + fits);
}

static void show(text *t, const char *s) { show_bytes(t, s, strlen(s)); }

static bool is_name(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++) {
    bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
    if (!letter && (i == 0 || s[i] < '0' || s[i] > '9')) return false;
  }
  return len > 0 && len <= STRING_MAX;
}

static void show_byte(text *t, unsigned char c) {
  char escaped[8];
  if (c == '\n')
    show(t, "\\n");
  else if (c == '"' || c == '\\')
    show_bytes(t, (const char[]){'\\', (char)c}, 2);
  else if (c >= ' ' && c != 0x7f)
    show_bytes(t, (const char *)&c, 1);
  else
    show_bytes(t, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\%03d", c));
}

/* A character of UTF-8 is not cut. */
static void show_string(text *t, const char *s, size_t len) {
  size_t shown = len;
  if (len > STRING_MAX)
    for (shown = STRING_MAX; shown > STRING_MAX - 4 && continues(s[shown]);) shown--;
  show(t, "\"");
  for (size_t i = 0; i < shown; i++) show_byte(t, (unsigned char)s[i]);
  show(t, shown < len ? "\"..." : "\"");
}

static void show_number(text *t, lua_State *L, int index) {
  char number[64];
  int n;
  if (lua_isinteger(L, index))
    n = snprintf(number, sizeof number, LUA_INTEGER_FMT, lua_tointeger(L, index));
  else
    n = snprintf(number, sizeof number, LUA_NUMBER_FMT, lua_tonumber(L, index));
  show_bytes(t, number, (size_t)n);
  if (!lua_isinteger(L, index) && strspn(number, "-0123456789") == (size_t)n) show(t, ".0");
}

/* The __name in the metatable of the value. False: it has none. */
static bool show_class_name(text *t, lua_State *L, int index) {
  size_t len;
  if (!lua_getmetatable(L, index)) return false;
  lua_pushvalue(L, t->name_key);
  bool named = lua_rawget(L, -2) == LUA_TSTRING;
  const char *name = named ? lua_tolstring(L, -1, &len) : NULL;
  if (named) show_bytes(t, name, len < STRING_MAX ? len : STRING_MAX);
  lua_pop(L, 2);
  return named;
}

/* --- the fields of a table -------------------------------------------------------------------- */
static void show_table(text *t, lua_State *L, int table, int depth);

/* The order of keys: integers, strings, others as lua_next has them. */
static int rank(lua_State *L, int key) {
  if (lua_isinteger(L, key)) return 0;
  return lua_type(L, key) == LUA_TSTRING ? 1 : 2;
}

static bool is_before(lua_State *L, int a, int b) {
  int of_a = rank(L, a), of_b = rank(L, b);
  if (of_a != of_b || of_a == 2) return of_a < of_b;
  if (of_a == 0) return lua_tointeger(L, a) < lua_tointeger(L, b);
  size_t a_len, b_len;
  const char *s = lua_tolstring(L, a, &a_len), *other = lua_tolstring(L, b, &b_len);
  int order = memcmp(s, other, a_len < b_len ? a_len : b_len);
  return order < 0 || (order == 0 && a_len < b_len);
}

/* Pushes the first FIELDS_MAX keys of the table, sorted. Returns their number; *more: there are
** others. */
static int push_keys(text *t, lua_State *L, int table, bool *more) {
  int first = lua_gettop(L) + 1, n = 0;
  *more = false;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    int at = first + n;
    lua_pop(L, 1);
    if (t->entries++ >= ENTRIES_MAX) {
      *more = true;
      lua_pop(L, 1);
      break;
    }
    while (at > first && is_before(L, first + n, at - 1)) at--;
    lua_pushvalue(L, -1);
    lua_insert(L, at);
    if (n++ < FIELDS_MAX) continue;
    lua_remove(L, first + --n);
    *more = true;
  }
  return n;
}

static void show_value(text *t, lua_State *L, int index, int depth) {
  size_t len;
  const char *s;
  switch (lua_type(L, index)) {
    case LUA_TSTRING:
      s = lua_tolstring(L, index, &len);
      show_string(t, s, len);
      break;
    case LUA_TNUMBER: show_number(t, L, index); break;
    case LUA_TBOOLEAN: show(t, lua_toboolean(L, index) ? "true" : "false"); break;
    case LUA_TTABLE: show_table(t, L, index, depth); break;
    case LUA_TUSERDATA:
      if (!show_class_name(t, L, index)) show(t, "userdata");
      break;
    default: show(t, luaL_typename(L, index));
  }
}

/* The key, unless the value is the next of those of a list: 1, 2, … */
static void show_key(text *t, lua_State *L, int key, int *next, int depth) {
  size_t len;
  const char *s = lua_type(L, key) == LUA_TSTRING ? lua_tolstring(L, key, &len) : NULL;
  if (lua_isinteger(L, key) && lua_tointeger(L, key) == *next) {
    ++*next;
    return;
  }
  if (s && is_name(s, len)) {
    show_bytes(t, s, len);
  } else {
    show(t, "[");
    show_value(t, L, key, depth);
    show(t, "]");
  }
  show(t, " = ");
}

static bool is_shown(const text *t, lua_State *L, int table, int depth) {
  for (int i = 0; i < depth; i++)
    if (lua_rawequal(L, t->tables[i], table)) return true;
  return false;
}

/* Recursive, DEPTH_MAX deep. */
static void show_table(text *t, lua_State *L, int table, int depth) {
  int top = lua_gettop(L);
  bool more, hidden = depth == DEPTH_MAX || is_shown(t, L, table, depth);
  if (!lua_checkstack(L, FIELDS_MAX + LUA_MINSTACK)) hidden = true;
  if (!hidden && show_class_name(t, L, table)) show(t, " ");
  if (hidden) {
    show(t, "{...}");
    return;
  }
  t->tables[depth] = table;
  show(t, "{");
  int next = 1, n = push_keys(t, L, table, &more);
  for (int i = 1; i <= n && !t->full; i++) {
    if (i > 1) show(t, ", ");
    show_key(t, L, top + i, &next, depth + 1);
    lua_pushvalue(L, top + i);
    lua_rawget(L, table);
    show_value(t, L, lua_gettop(L), depth + 1);
    lua_settop(L, top + n);
  }
  if (more) show(t, n > 0 ? ", ..." : "...");
  show(t, "}");
  lua_settop(L, top);
}

/* No allocation of Lua between here and the last line: a finalizer could change the table. */
const char *rtL_error_text_push_fields(lua_State *L, int index) {
  text t = {.len = 0};
  index = lua_absindex(L, index);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_pushliteral(L, "__name");
  t.name_key = lua_gettop(L);
  show_table(&t, L, index, 0);
  lua_pushlstring(L, t.bytes, t.len);
  lua_remove(L, t.name_key);
  return lua_tostring(L, -1);
}

const char *rtL_error_text_push(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TTABLE) return luaL_tolstring(L, index, NULL);
  if (luaL_getmetafield(L, index, "__tostring") == LUA_TNIL)
    return rtL_error_text_push_fields(L, index);
  lua_pop(L, 1);
  return luaL_tolstring(L, index, NULL);
}

int rtL_error_text_has_fields(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return 0;
  index = lua_absindex(L, index);
  lua_pushnil(L);
  if (!lua_next(L, index)) return 0;
  lua_pop(L, 2);
  return 1;
}
