#include "pack/value_path.h"

#include "worker/stack_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

enum { STEPS_MAX = 12, KEY_MAX = 40 };

/* --- printing --------------------------------------------------------------------------------- */
__attribute__((format(printf, 2, 3))) static void say(rt_value_path_text *text, const char *format,
                                                      ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text->s + text->len, sizeof text->s - text->len, format, args);
  va_end(args);
  if (n > 0)
    text->len = text->len + (size_t)n < sizeof text->s ? text->len + (size_t)n : sizeof text->s - 1;
}

static bool is_identifier(const char *s, size_t len) {
  if (len == 0 || len > KEY_MAX || isdigit((unsigned char)*s)) return false;
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)s[i]) && s[i] != '_') return false;
  return true;
}

static void say_string_key(rt_value_path_text *text, const char *s, size_t len) {
  if (is_identifier(s, len)) {
    say(text, ".%s", s);
    return;
  }
  say(text, "[\"");
  for (size_t i = 0; i < len && i < KEY_MAX; i++)
    say(text, iscntrl((unsigned char)s[i]) ? "\\%d" : "%c", (unsigned char)s[i]);
  say(text, len > KEY_MAX ? "...\"]" : "\"]");
}

static void say_key(lua_State *L, rt_value_path_text *text, int key) {
  size_t len;
  switch (lua_type(L, key)) {
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, key, &len);
      say_string_key(text, s, len);
      break;
    }
    case LUA_TNUMBER:
      if (lua_isinteger(L, key))
        say(text, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)lua_tointeger(L, key));
      else
        say(text, "[" LUA_NUMBER_FMT "]", (LUAI_UACNUMBER)lua_tonumber(L, key));
      break;
    case LUA_TBOOLEAN: say(text, "[%s]", lua_toboolean(L, key) ? "true" : "false"); break;
    default: say(text, "[%s]", luaL_typename(L, key));
  }
}

/* Stack: table, a value that it holds. Adds the key of the value, "[a key]" if it is a key, or
** "(metatable)". */
static void say_step_in_table(lua_State *L, rt_value_path_text *text) {
  int table = lua_gettop(L) - 1, child = table + 1;
  bool found = false;
  if (!text->in_table) say(text, " ");
  text->in_table = true;
  lua_pushnil(L);
  while (!found && lua_next(L, table)) {
    if ((found = lua_rawequal(L, -1, child)))
      say_key(L, text, child + 1);
    else if ((found = lua_rawequal(L, -2, child)))
      say(text, "[a key]");
    lua_pop(L, 1);
  }
  if (!found) say(text, "(metatable)");
  lua_settop(L, child);
}

static void say_step_in_function(lua_State *L, rt_value_path_text *text) {
  int function = lua_gettop(L) - 1, child = function + 1;
  const char *name = "?";
  bool found = false;
  for (int i = 1; !found && (name = lua_getupvalue(L, function, i)) != NULL; i++) {
    found = lua_rawequal(L, -1, child);
    lua_pop(L, 1);
  }
  say(text, "%supvalue '%s'", text->len > 0 ? " " : "", name && *name ? name : "?");
  text->in_table = false;
}

void rt_value_path_root(rt_value_path_text *text, const char *noun, bool is_call, uint32_t place,
                        bool more) {
  uint32_t number = is_call ? place : place + 1;
  text->len = 0;
  text->s[0] = '\0';
  text->in_table = false;
  if (number > 0)
    say(text, "%s %u", noun, number);
  else if (!more)
    say(text, "the function");
}

void rt_value_path_step(lua_State *L, rt_value_path_text *text) {
  RTL_STACK_CHECK(L, 0);
  if (lua_istable(L, -2))
    say_step_in_table(L, text);
  else
    say_step_in_function(L, text);
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
  rt_value_path_text text;
  luaL_checkstack(L, 8, NULL);
  for (; !((parent = parent_of(path, number)) & RT_VALUE_PATH_ROOT); number = parent)
    if (steps++ < STEPS_MAX) chain[steps - 1] = number;
  rt_value_path_root(&text, path->noun, path->is_call, parent & ~RT_VALUE_PATH_ROOT, steps > 0);
  if (steps > STEPS_MAX) {
    say(&text, " ..."); /* steps are left out */
    steps = STEPS_MAX;
  }
  for (; steps > 0; steps--) {
    uint32_t child = chain[steps - 1];
    rt_value_path_object(L, path, parent_of(path, child));
    rt_value_path_object(L, path, child);
    rt_value_path_step(L, &text);
    lua_pop(L, 2);
  }
  return lua_pushlstring(L, text.s, text.len);
}
