/* spec/ground/bytecode.c - worker/bytecode.c: what a line reads is found however long and nested
** the function is; bytes that are cut short or changed are never read beyond their end. */
#include "check.h"
#include "worker/bytecode.h"

#include <lauxlib.h>

static void dump(lua_State *L, const char *source, rt_buf *b) {
  rt_buf_init(b);
  must("a source is compiled", luaL_loadstring(L, source) == LUA_OK);
  must("a function is dumped", rt_bytecode_dump(L, b));
  lua_pop(L, 1);
}

/* "a b " */
static void list(const char *bytes, size_t len, int line, char *names, size_t size) {
  rt_bytecode code;
  size_t name_len;
  const char *name;
  *names = '\0';
  if (!rt_bytecode_open(&code, bytes, len)) return;
  while ((name = rt_bytecode_next(&code, line, 0, &name_len)) != NULL) {
    size_t used = strlen(names);
    snprintf(names + used, size - used, "%.*s ", (int)name_len, name);
  }
}

static bool reads(const rt_buf *b, int line, const char *expected) {
  char names[256];
  list(rt_buf_data(b), rt_buf_len(b), line, names, sizeof names);
  if (strcmp(names, expected) != 0) printf("# line %d: %s\n", line, names);
  return strcmp(names, expected) == 0;
}

static const char source[] =
    "local a = 1.5 print(a, b)\n"
    "local t = { c, 10000000, 'a string' }\n"
    "local function f() return d, t end\n"
    "for _, x in pairs(e) do f(x.g, ('h'):rep(i)) end\n"
    "return t.j[k]\n";

static void check_lines(lua_State *L) {
  rt_buf b;
  dump(L, source, &b);
  check("a line reads these globals, in order", reads(&b, 1, "print b ") && reads(&b, 2, "c ") &&
                                                    reads(&b, 4, "pairs e i ") &&
                                                    reads(&b, 5, "k "));
  check("what a function within it reads is not its own", reads(&b, 3, ""));
  check("there is nothing where no line is", reads(&b, 0, "") && reads(&b, 99, ""));
  rt_buf_close(&b);
}

/* Lua stores a whole line number every 128 instructions, and where the line changes by much. */
static void check_far_lines(lua_State *L) {
  rt_buf b;
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "local x\n");
  for (int i = 0; i < 100; i++) luaL_addstring(&text, "x = x + x * x x = x + x\n");
  luaL_addstring(&text, "x = here\n");
  for (int i = 0; i < 1000; i++) luaL_addchar(&text, '\n');
  luaL_addstring(&text, "x = there");
  luaL_pushresult(&text);
  dump(L, lua_tostring(L, -1), &b);
  lua_pop(L, 1);
  check("lines are found that are far away", reads(&b, 102, "here ") && reads(&b, 1103, "there "));
  rt_buf_close(&b);
}

static bool assigns(lua_State *L, const char *text) {
  rt_buf b;
  rt_bytecode code;
  dump(L, text, &b);
  bool opened = rt_bytecode_open(&code, rt_buf_data(&b), rt_buf_len(&b));
  rt_buf_close(&b);
  must("the dump is read", opened);
  return code.assigns;
}

static void check_assigns(lua_State *L) {
  check("a function that sets globals keeps its first upvalue", !assigns(L, "x = 1 x.y = 2"));
  check("_ENV of its own is no upvalue", !assigns(L, "local _ENV = {} _ENV = {} x = 1"));
  check("an assignment is found", assigns(L, "local a, b = 1, 2 if a then _ENV = {} end"));
  check("one in a function within it is found",
        assigns(L, "local a, b return function() return function() b = a _ENV = {} end end"));
  check("one to a local variable is another thing",
        !assigns(L, "local a, b = 1, 2 return function() x = 1 return function() b = 2 end end"));
  check("one to an _ENV in between is another thing",
        !assigns(L, "x = 1 local _ENV = {} return function() _ENV = {} end"));
}

/* "index:line " of each upvalue that is assigned to. */
static bool lines_are(lua_State *L, const char *text, const char *expected) {
  rt_buf b;
  int lines[RT_BYTECODE_UPVALUES];
  char found[200] = "";
  dump(L, text, &b);
  must("the dump is read", rt_bytecode_assignments(rt_buf_data(&b), rt_buf_len(&b), lines));
  for (int i = 0; i < RT_BYTECODE_UPVALUES; i++)
    if (lines[i]) sprintf(found + strlen(found), "%d:%d ", i, lines[i]);
  rt_buf_close(&b);
  return strcmp(found, expected) == 0;
}

static void check_assignments(lua_State *L) {
  check("nothing is assigned to", lines_are(L, "x = 1\nlocal y y = 2", ""));
  check("the line of an assignment", lines_are(L, "local a\n\n_ENV = {}", "0:3 "));
  check("the first of several lines",
        lines_are(L, "local function f()\n_ENV = 1 end\n_ENV = {}", "0:2 "));
  check("a variable within is another thing",
        lines_are(L, "local a, b\nreturn function() a = 1 return function() b = a end end", ""));
}

static void check_broken(lua_State *L) {
  rt_buf b;
  char names[4096];
  int lines[RT_BYTECODE_UPVALUES];
  dump(L, source, &b);
  size_t len = rt_buf_len(&b), found = 0;
  for (size_t n = 0; n < len; n++) {
    char *copy = malloc(n + 1); /* so that a sanitizer sees where it ends */
    memcpy(copy, rt_buf_data(&b), n);
    rt_bytecode code;
    found += rt_bytecode_open(&code, copy, n);
    free(copy);
  }
  check("what is cut short is not read", found == 0);
  char *copy = malloc(len);
  for (int i = 0; i < MANY(20000); i++) {
    memcpy(copy, rt_buf_data(&b), len);
    for (uint64_t n = below(4) + 1; n > 0; n--) copy[below(len)] = (char)below(256);
    list(copy, len, (int)below(6), names, sizeof names);
    rt_bytecode_assignments(copy, len, lines);
  }
  free(copy);
  check("what is broken is not read beyond its end", true);
  rt_buf_close(&b);
}

int main(void) {
  check_begin(60);
  lua_State *L = luaL_newstate();
  must("there is memory", L != NULL);
  check_lines(L);
  check_far_lines(L);
  check_assigns(L);
  check_assignments(L);
  check_broken(L);
  lua_close(L);
  return check_end();
}
