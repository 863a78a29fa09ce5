/* spec/fuzz/unpack.c - libFuzzer on pack/unpack.c: any bytes are values or an error.
**
**   make fuzz SECONDS=600
**
** An input is the bytes of a message, whose shared objects are some functions, a known object, and
** one of an unknown class. The values that arrive are packed and unpacked once more. The messages
** of the initial corpus are written to the first folder that the command line names.
*/
#include "host/luaopen.h"
#include "pack/pack.h"
#include "pack/unpack.h"
#include "pack/wire.h"

#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { THINGS = 6 };

static lua_State *L;
static rt_worker *w;
static rt_shared *shared[THINGS];

static void must(const char *what, bool holds) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

/* --- shared objects --------------------------------------------------------------------------- */
static void free_nothing(rt_shared *shared) { (void)shared; }

/* They have the class of something internal, of which no object is ever seen. */
static const rt_shared_kind object_kind = {"object", free_nothing, RT_CLASS_TCP_SETUP, NULL};
static const rt_shared_kind unknown_kind = {"unknown", free_nothing, RT_CLASSES, NULL};
static rt_shared object, unknown;

static rt_shared *send_object(lua_State *from, rt_worker *worker, int index, const char **why) {
  (void)from, (void)worker, (void)index, (void)why;
  rt_shared_hold(&object);
  return &object;
}

static void receive_object(lua_State *to, rt_worker *worker, rt_shared *shared) {
  must("the object's own thing", shared == &object);
  lua_newuserdatauv(to, 8, 1);
  luaL_setmetatable(to, "object");
}

static const rt_travel travel = {send_object, NULL, receive_object};

/* --- messages to begin with ------------------------------------------------------------------- */
static const char sources[] =
    "local a, b, c = 1, 'b', {}\n"
    "local function plain() return 1 end\n"
    "local function global(x) return string.format('%s', x) end\n"
    "local function three() return a, b, c end\n"
    "local function self(n) return n and self(n) or a end\n"
    "local class = setmetatable({}, {__index = string, __name = 'class'})\n"
    "class.__index = class\n"
    "c.c = c\n"
    "local list, deep = {}, {}\n"
    "for i = 1, 40 do list[i] = {id = i, name = 'n' .. i} deep = {deep, i} end\n"
    "return {plain, global}, {three, self, three}, {setmetatable({1, x = c}, class), class},\n"
    "  {1, -1, 200, -30000, 1 << 40, math.mininteger, 1.5, -0.0, 1/0, 0/0, true, false},\n"
    "  {string, string.format, math.pi, print, _G, select},\n"
    "  {list, deep}, {('x'):rep(100), ('y'):rep(300), '', 'z'},\n"
    "  {[1.5] = 1, [true] = 2, [c] = c, [plain] = three, [7] = 8}, plain, 1, 'text'\n";

static void write_seed(const char *folder, int n, const rt_message *message) {
  char path[512];
  snprintf(path, sizeof path, "%s/seed-%d", folder, n);
  FILE *f = fopen(path, "w");
  if (f == NULL) return;
  fwrite(message->bytes, 1, message->len, f);
  fclose(f);
}

static int make_seeds(lua_State *l) {
  const char *folder = lua_touserdata(l, 1);
  must("the source is right", luaL_loadstring(l, sources) == LUA_OK);
  lua_call(l, 0, LUA_MULTRET);
  int n = lua_gettop(l), count = 0;
  for (int i = 2; i <= n; i++) {
    lua_pushvalue(l, i);
    rt_message *message = rtL_pack(l, w, n + 1, RT_PACK_VALUES);
    if (folder) write_seed(folder, i, message);
    for (uint32_t j = 0; j < message->count && count < THINGS - 2; j++) {
      rt_shared_hold(rt_message_shared(message)[j]);
      shared[count++] = rt_message_shared(message)[j];
    }
    rt_message_drop(message);
    lua_settop(l, n);
  }
  must("there are functions", count == THINGS - 2);
  return 0;
}

static const char *folder_of(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (argv[i][0] != '-') return argv[i];
  return NULL;
}

/* Functions that are removed, since the bytes may make a finalizer of them. */
static void open_libraries(void) {
  static const char *const harmful[] = {"print", "dofile", "loadfile", "collectgarbage", "warn"};
  luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
  luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
  luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
  luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
  luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
  for (size_t i = 1; i < rt_countof(harmful); i++) {
    lua_pushnil(L);
    lua_setglobal(L, harmful[i]);
  }
  luaL_dostring(L, "print = function() end");
  lua_settop(L, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  L = luaL_newstate();
  must("there is a state", L != NULL);
  open_libraries();
  w = rt_worker_find(L);
  luaL_newmetatable(L, "object");
  w->classes.metatable[RT_CLASS_TCP_SETUP] = lua_topointer(L, -1);
  w->classes.travel[RT_CLASS_TCP_SETUP] = &travel;
  lua_pushcfunction(L, make_seeds);
  lua_pushlightuserdata(L, (void *)folder_of(*argc, *argv));
  lua_call(L, 1, 0);
  rt_shared_init(&object, &object_kind);
  rt_shared_init(&unknown, &unknown_kind);
  shared[THINGS - 2] = &object;
  shared[THINGS - 1] = &unknown;
  return 0;
}

/* --- one input -------------------------------------------------------------------------------- */
static rt_message *message_of(const uint8_t *data, size_t size) {
  rt_message *message = rt_message_new();
  must("there is memory", message && rt_message_reserve(&message, size) == 0);
  if (size > 0) memcpy(message->bytes, data, size);
  message =
      realloc(message, sizeof *message + size); /* so that the sanitizer knows where it ends */
  must("there is memory", message != NULL);
  message->len = message->cap = size;
  for (int i = 0; i < THINGS; i++) {
    rt_shared_hold(shared[i]);
    must("there is memory", rt_message_add(message, shared[i]) == 0);
  }
  return message;
}

static int unpack(lua_State *l) { return rtL_unpack(l, w, lua_touserdata(l, 1)); }

static int pack(lua_State *l) {
  lua_pushlightuserdata(l, rtL_pack(l, w, 1, RT_PACK_VALUES));
  return 1;
}

static bool open_message(rt_message *message) {
  lua_pushcfunction(L, unpack);
  lua_pushlightuserdata(L, message);
  bool ok = lua_pcall(L, 1, LUA_MULTRET, 0) == LUA_OK;
  rt_message_drop(message);
  return ok;
}

/* Not all values that arrive can be sent: the bytes may name objects that cannot. */
static void send_on(void) {
  int n = lua_gettop(L);
  lua_pushcfunction(L, pack);
  lua_insert(L, 1);
  if (lua_pcall(L, n, 1, 0) != LUA_OK) return;
  rt_message *message = lua_touserdata(L, -1);
  must("what was packed can be unpacked", open_message(message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unsigned count;
  if (open_message(message_of(data, size)) && lua_checkstack(L, 10)) send_on();
  lua_settop(L, 0);
  if (++count % 256 == 0) lua_gc(L, LUA_GCCOLLECT);
  return 0;
}
