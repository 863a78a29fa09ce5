/* pack.c - values from one state to another and back: the host of pack.lua.
**
** Two states, each with its worker, in one thread.  The script runs in the first and gets
**
**   echo(...)            what becomes of the values, there and back
**   call(f, ...)         calls the function there, as a task would be; its results, or its error
**   there(source, ...)   runs the source there; its results
**   check(sentence, ok)  says so
**   maim(...)            damages a packet of the values in every way; see below
**   cost(n, ...)         nanoseconds of processor time for one way, of n
**   below(n), flavor     chance; whether this is a debug build
*/
#include "pack.h"

#include "check.h"
#include "code.h"
#include "module.h"

#include <time.h>

static lua_State *states[2];
static rt_worker *workers[2];

static int other(lua_State *L) { return rtL_worker_find(L) == workers[0] ? 1 : 0; }

/* A packet that a state owns while it is unpacked. */
typedef struct parcel {
  rt_packet *packet;
} parcel;

static int parcel_gc(lua_State *L) {
  parcel *p = lua_touserdata(L, 1);
  if (p->packet) rt_packet_drop(p->packet);
  p->packet = NULL;
  return 0;
}

static parcel *push_parcel(lua_State *L) {
  parcel *p = lua_newuserdatauv(L, sizeof *p, 0);
  p->packet = NULL;
  if (luaL_newmetatable(L, "parcel")) {
    lua_pushcfunction(L, parcel_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return p;
}

/* unpack(packet): takes it over; the values */
static int unpack(lua_State *L) {
  rt_packet *packet = lua_touserdata(L, 1);
  parcel *p = push_parcel(L);
  p->packet = packet;
  int n = rtL_unpack(L, rtL_worker_find(L), packet);
  p->packet = NULL;
  rt_packet_drop(packet);
  return n;
}

/* Moves the error message on top of one stack to another. */
static int raise_here(lua_State *L, lua_State *from) {
  lua_pushstring(L, lua_tostring(from, -1) ? lua_tostring(from, -1) : luaL_typename(from, -1));
  lua_pop(from, 1);
  return lua_error(L);
}

/* Sends what is on top of one state to another; its values are on top there then. */
static int deliver(lua_State *from, lua_State *to, int first, rt_pack_what what) {
  int top = lua_gettop(to);
  luaL_checkstack(from, LUA_MINSTACK, NULL);
  rt_packet *packet = rtL_pack(from, rtL_worker_find(from), first, what);
  lua_pushcfunction(to, unpack);
  lua_pushlightuserdata(to, packet);
  if (lua_pcall(to, 1, LUA_MULTRET, 0) != LUA_OK) raise_here(from, to);
  return lua_gettop(to) - top;
}

/* reply(...): the values come back, as the results of a function there */
static int reply(lua_State *L) {
  lua_State *back = states[other(L)];
  rt_packet *packet = rtL_pack(L, rtL_worker_find(L), 1, RT_PACK_RESULTS);
  lua_pushlightuserdata(back, packet);
  return 0;
}

/* Takes n values from the top there, sends them back, and returns them. */
static int come_back(lua_State *L, lua_State *there, int n) {
  lua_pushcfunction(there, reply);
  lua_insert(there, -n - 1);
  int top = lua_gettop(L);
  if (lua_pcall(there, n, 0, 0) != LUA_OK) return raise_here(L, there);
  lua_State *main = states[!other(L)];
  rt_packet *packet = lua_touserdata(main, -1);
  lua_pop(main, 1);
  lua_settop(L, top);
  lua_pushcfunction(L, unpack);
  lua_pushlightuserdata(L, packet);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L) - top;
}

static int echo(lua_State *L) {
  lua_State *there = states[other(L)];
  return come_back(L, there, deliver(L, there, 1, RT_PACK_VALUES));
}

static int call(lua_State *L) {
  lua_State *there = states[other(L)];
  int top = lua_gettop(there);
  int n = deliver(L, there, 1, RT_PACK_CALL);
  if (lua_pcall(there, n - 1, LUA_MULTRET, 0) != LUA_OK) return raise_here(L, there);
  return come_back(L, there, lua_gettop(there) - top);
}

static int there(lua_State *L) {
  lua_State *there = states[other(L)];
  const char *source = luaL_checkstring(L, 1);
  int top = lua_gettop(there);
  if (luaL_loadstring(there, source) != LUA_OK) return raise_here(L, there);
  lua_remove(L, 1);
  int n = 0;
  if (lua_gettop(L) > 0) n = deliver(L, there, 1, RT_PACK_VALUES);
  if (lua_pcall(there, n, LUA_MULTRET, 0) != LUA_OK) return raise_here(L, there);
  lua_settop(L, 0);
  return come_back(L, there, lua_gettop(there) - top);
}

static int check_in_lua(lua_State *L) {
  check(luaL_checkstring(L, 1), lua_toboolean(L, 2));
  return 0;
}

static int below_in_lua(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)below((uint64_t)luaL_checkinteger(L, 1)));
  return 1;
}

/* --- damage -------------------------------------------------------------------------------------- */
static rt_packet *copy_of(rt_packet *p, size_t len) {
  rt_packet *copy = rt_packet_new();
  must("there is memory", copy && rt_packet_reserve(&copy, len) == 0);
  memcpy(copy->bytes, p->bytes, len);
  copy->len = len;
  /* no byte behind the last, so that a sanitizer sees who reads it */
  copy = realloc(copy, sizeof *copy + len);
  copy->cap = len;
  for (uint32_t i = 0; i < p->count; i++) {
    rt_thing_hold(rt_packet_things(p)[i]);
    must("there is memory", rt_packet_add(copy, rt_packet_things(p)[i]) == 0);
  }
  return copy;
}

static void try_damaged(lua_State *L, rt_packet *p, lua_Integer *refused, lua_Integer *taken) {
  int top = lua_gettop(L);
  lua_pushcfunction(L, unpack);
  lua_pushlightuserdata(L, p);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK)
    ++*refused;
  else
    ++*taken;
  lua_settop(L, top);
}

/* refused, taken, bytes = maim(...): cut off at every byte; every byte turned over, one more,
** one less, zero, and with every single bit flipped */
static int maim(lua_State *L) {
  lua_State *to = states[other(L)];
  lua_Integer refused = 0, taken = 0;
  rt_packet *p = rtL_pack(L, rtL_worker_find(L), 1, RT_PACK_VALUES);
  for (size_t len = 0; len < p->len; len++) try_damaged(to, copy_of(p, len), &refused, &taken);
  for (size_t i = 0; i < p->len; i++) {
    for (int how = 0; how < 12; how++) {
      rt_packet *copy = copy_of(p, p->len);
      char *c = &copy->bytes[i];
      switch (how) {
        case 8: *c = (char)~*c; break;
        case 9: *c = (char)(*c + 1); break;
        case 10: *c = (char)(*c - 1); break;
        case 11: *c = 0; break;
        default: *c = (char)(*c ^ 1 << how);
      }
      try_damaged(to, copy, &refused, &taken);
    }
    if (i % 64 == 0) lua_gc(to, LUA_GCCOLLECT);
  }
  lua_pushinteger(L, refused);
  lua_pushinteger(L, taken);
  lua_pushinteger(L, (lua_Integer)p->len);
  rt_packet_drop(p);
  return 3;
}

/* --- time ---------------------------------------------------------------------------------------- */
static double processor_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int cost(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  lua_State *to = states[other(L)];
  int top = lua_gettop(to);
  lua_remove(L, 1);
  luaL_checkstack(to, LUA_MINSTACK, NULL);
  double packing = 0, unpacking = 0, start = processor_seconds();
  bool split = n < 1000;
  for (lua_Integer i = 0; i < n; i++) {
    double t = split ? processor_seconds() : 0;
    rt_packet *p = rtL_pack(L, workers[!other(L)], 1, RT_PACK_VALUES);
    double t2 = split ? processor_seconds() : 0;
    rtL_unpack(to, workers[other(L)], p);
    rt_packet_drop(p);
    lua_settop(to, top);
    packing += t2 - t;
    unpacking += split ? processor_seconds() - t2 : 0;
  }
  lua_pushnumber(L, (processor_seconds() - start) / (double)n * 1e9);
  lua_pushnumber(L, packing / (double)n * 1e9);
  lua_pushnumber(L, unpacking / (double)n * 1e9);
  return 3;
}

/* --- the whole ----------------------------------------------------------------------------------- */
static const luaL_Reg functions[] = {
    {"echo", echo}, {"call", call},          {"there", there}, {"check", check_in_lua},
    {"maim", maim}, {"below", below_in_lua}, {"cost", cost},   {NULL, NULL}};

static int run(lua_State *L) {
  if (luaL_loadfile(L, "spec/ground/pack.lua") != LUA_OK) return lua_error(L);
  luaL_newlib(L, functions);
  lua_pushboolean(L, RT_DEBUG);
  lua_setfield(L, -2, "debug_build");
  lua_pushstring(L, lua_touserdata(L, 1));
  lua_call(L, 2, 0);
  return 0;
}

static int traced(lua_State *L) {
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

int main(int argc, char **argv) {
  check_begin(240);
  for (int i = 0; i < 2; i++) {
    lua_State *L = states[i] = luaL_newstate();
    must("there is a state", L != NULL);
    luaL_openlibs(L);
    luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
    lua_settop(L, 0);
    workers[i] = rtL_worker_find(L);
  }
  lua_State *L = states[0];
  lua_pushcfunction(L, traced);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, argc > 1 ? argv[1] : NULL);
  if (lua_pcall(L, 1, 0, 1) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    check("the script gets through", false);
  }
  lua_close(states[0]);
  lua_close(states[1]);
  return check_end();
}
