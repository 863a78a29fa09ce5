#include "pack/value_path.h"

#include "worker/stack_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

enum { STEPS_MAX = 12, KEY_MAX = 40 };

/* --- printing --------------------------------------------------------------------------------- */
__attribute__((format(printf, 2, 3))) static void say(rt_path_text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->s + t->len, sizeof t->s - t->len, format, args);
  va_end(args);
  if (n > 0) t->len = t->len + (size_t)n < sizeof t->s ? t->len + (size_t)n : sizeof t->s - 1;
}

static bool is_identifier(const char *s, size_t len) {
  if (len == 0 || len > KEY_MAX || isdigit((unsigned char)*s)) return false;
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)s[i]) && s[i] != '_') return false;
  return true;
}

static void say_string_key(rt_path_text *t, const char *s, size_t len) {
  if (is_identifier(s, len)) {
    say(t, ".%s", s);
    return;
  }
  say(t, "[\"");
  for (size_t i = 0; i < len && i < KEY_MAX; i++)
    say(t, iscntrl((unsigned char)s[i]) ? "\\%d" : "%c", (unsigned char)s[i]);
  say(t, len > KEY_MAX ? "...\"]" : "\"]");
}

static void say_key(lua_State *L, rt_path_text *t, int key) {
  size_t len;
  switch (lua_type(L, key)) {
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, key, &len);
      say_string_key(t, s, len);
      break;
    }
    case LUA_TNUMBER:
      if (lua_isinteger(L, key))
        say(t, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)lua_tointeger(L, key));
      else
        say(t, "[" LUA_NUMBER_FMT "]", (LUAI_UACNUMBER)lua_tonumber(L, key));
      break;
    case LUA_TBOOLEAN: say(t, "[%s]", lua_toboolean(L, key) ? "true" : "false"); break;
    default: say(t, "[%s]", luaL_typename(L, key));
  }
}

/* Stack: table, a value that it holds. Adds the key of the value, "[a key]" if it is a key, or
** "(metatable)". */
static void say_step_in_table(lua_State *L, rt_path_text *t) {
  int table = lua_gettop(L) - 1, child = table + 1;
  bool found = false;
  if (!t->in_table) say(t, " ");
  t->in_table = true;
  lua_pushnil(L);
  while (!found && lua_next(L, table)) {
    if ((found = lua_rawequal(L, -1, child)))
      say_key(L, t, child + 1);
    else if ((found = lua_rawequal(L, -2, child)))
      say(t, "[a key]");
    lua_pop(L, 1);
  }
  if (!found) say(t, "(metatable)");
  lua_settop(L, child);
}

static void say_step_in_function(lua_State *L, rt_path_text *t) {
  int function = lua_gettop(L) - 1, child = function + 1;
  const char *name = "?";
  bool found = false;
  for (int i = 1; !found && (name = lua_getupvalue(L, function, i)) != NULL; i++) {
    found = lua_rawequal(L, -1, child);
    lua_pop(L, 1);
  }
  say(t, "%supvalue '%s'", t->len > 0 ? " " : "", name && *name ? name : "?");
  t->in_table = false;
}

void rt_path_root(rt_path_text *t, const char *noun, bool is_call, uint32_t place, bool more) {
  uint32_t number = is_call ? place : place + 1;
  t->len = 0;
  t->s[0] = '\0';
  t->in_table = false;
  if (number > 0)
    say(t, "%s %u", noun, number);
  else if (!more)
    say(t, "the function");
}

void rt_path_omit(rt_path_text *t) { say(t, " ..."); }

void rt_path_step(lua_State *L, rt_path_text *t) {
  RTL_STACK_CHECK(L, 0);
  if (lua_istable(L, -2))
    say_step_in_table(L, t);
  else
    say_step_in_function(L, t);
}

/* --- the path of an object -------------------------------------------------------------------- */
static uint32_t parent_of(const rt_value_path *path, uint32_t number) {
  uint32_t parent;
  memcpy(&parent, rt_buf_data(path->parents) + (number - 1) * sizeof parent, sizeof parent);
  return parent;
}

void rt_value_path_object(lua_State *L, const rt_value_path *path, uint32_t number) {
  RTL_STACK_CHECK(L, +1);
  uint32_t parent = parent_of(path, number);
  if (parent & RT_VALUE_PATH_ROOT)
    lua_pushvalue(L, path->values + (int)(parent & ~RT_VALUE_PATH_ROOT));
  else
    lua_rawgeti(L, path->list, number);
}

const char *rtL_value_path_push(lua_State *L, const rt_value_path *path, uint32_t number) {
  RTL_STACK_CHECK(L, +1);
  uint32_t chain[STEPS_MAX], parent;
  int steps = 0;
  rt_path_text t;
  luaL_checkstack(L, 8, NULL);
  for (; !((parent = parent_of(path, number)) & RT_VALUE_PATH_ROOT); number = parent)
    if (steps++ < STEPS_MAX) chain[steps - 1] = number;
  rt_path_root(&t, path->noun, path->is_call, parent & ~RT_VALUE_PATH_ROOT, steps > 0);
  if (steps > STEPS_MAX) {
    rt_path_omit(&t);
    steps = STEPS_MAX;
  }
  for (; steps > 0; steps--) {
    uint32_t child = chain[steps - 1];
    rt_value_path_object(L, path, parent_of(path, child));
    rt_value_path_object(L, path, child);
    rt_path_step(L, &t);
    lua_pop(L, 2);
  }
  return lua_pushlstring(L, t.s, t.len);
}
