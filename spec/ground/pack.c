/* spec/ground/pack.c - pack/: values from one state to another and back; the host of pack.lua.
**
** Two states in one thread and a third in another, each with its worker.  The script runs in
** the first, and gets a table with
**
**   echo(...)            sends the values to the second state and back; returns what arrives
**   call(f, ...)         calls f in the second state, as for a task; returns its results or error
**   there(source, ...)   runs the source in the second state; returns its results
**   far(n, ...)          as echo, n times, through the third state
**   check(sentence, ok)  prints the result of a check
**   maim(...)            damages a message of the values, at each byte
**   sweep(width, f)      packs and unpacks the results of f while allocations fail in turn
**   cost(n, ...)         returns the CPU time of sending the values n times
**   cost_of_call(n, f)   returns the CPU time of calling f n times
**   closes_early(stream) closes the stream while it is being packed; returns what arrives
**   below(n)             returns a random number
**   pointer(n)           returns a light userdata
**   blocks()             returns the number of blocks of memory
**   descriptors()        returns the number of open descriptors
**   debug_build
*/
#include "check.h"
#include "host/luaopen.h"
#include "pack/code.h"
#include "pack/pack.h"
#include "pack/unpack.h"

#include <time.h>

static lua_State *states[2];
static rt_worker *workers[2];

static int other(lua_State *L) { return rt_worker_find(L) == workers[0] ? 1 : 0; }

/* A message that a state owns while it is unpacked. */
typedef struct packed {
  rt_message *message;
} packed;

static int parcel_gc(lua_State *L) {
  packed *p = lua_touserdata(L, 1);
  if (p->message) rt_message_drop(p->message);
  p->message = NULL;
  return 0;
}

static packed *push_packed(lua_State *L) {
  packed *p = lua_newuserdatauv(L, sizeof *p, 0);
  p->message = NULL;
  if (luaL_newmetatable(L, "packed")) {
    lua_pushcfunction(L, parcel_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return p;
}

/* unpack(message): takes the message over; returns the values. */
static int unpack(lua_State *L) {
  rt_message *message = lua_touserdata(L, 1);
  packed *p = push_packed(L);
  p->message = message;
  int n = rtL_unpack(L, rt_worker_find(L), message);
  p->message = NULL;
  rt_message_drop(message);
  return n;
}

/* Moves the error message on top of one stack to another. */
static int raise_here(lua_State *L, lua_State *from) {
  lua_pushstring(L, lua_tostring(from, -1) ? lua_tostring(from, -1) : luaL_typename(from, -1));
  lua_pop(from, 1);
  return lua_error(L);
}

/* Sends the values on top of one state to another state, where they are on top afterwards. */
static int deliver(lua_State *from, lua_State *to, int first, rt_pack_what what) {
  int top = lua_gettop(to);
  luaL_checkstack(from, LUA_MINSTACK, NULL);
  luaL_checkstack(to, LUA_MINSTACK, NULL);
  rt_message *message = rtL_pack(from, rt_worker_find(from), first, what);
  lua_pushcfunction(to, unpack);
  lua_pushlightuserdata(to, message);
  if (lua_pcall(to, 1, LUA_MULTRET, 0) != LUA_OK) raise_here(from, to);
  return lua_gettop(to) - top;
}

/* reply(...): sends the values back, as the results of a function of the other state. */
static int reply(lua_State *L) {
  lua_State *back = states[other(L)];
  luaL_checkstack(back, LUA_MINSTACK, NULL);
  rt_message *message = rtL_pack(L, rt_worker_find(L), 1, RT_PACK_RESULTS);
  lua_pushlightuserdata(back, message);
  return 0;
}

/* Takes n values from the top of the other state, sends them back, and returns them. */
static int come_back(lua_State *L, lua_State *there, int n) {
  luaL_checkstack(there, LUA_MINSTACK, NULL); /* the values have filled it */
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_pushcfunction(there, reply);
  lua_insert(there, -n - 1);
  int top = lua_gettop(L);
  if (lua_pcall(there, n, 0, 0) != LUA_OK) return raise_here(L, there);
  lua_State *main = states[!other(L)];
  rt_message *message = lua_touserdata(main, -1);
  lua_pop(main, 1);
  lua_settop(L, top);
  lua_pushcfunction(L, unpack);
  lua_pushlightuserdata(L, message);
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

static int pointer(lua_State *L) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)luaL_checkinteger(L, 1));
  return 1;
}

static int below_in_lua(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)below((uint64_t)luaL_checkinteger(L, 1)));
  return 1;
}

/* --- damage ----------------------------------------------------------------------------------- */
static rt_message *copy_of(rt_message *message, size_t len) {
  rt_message *copy = rt_message_new();
  must("there is memory", copy && rt_message_reserve(&copy, len) == 0);
  memcpy(copy->bytes, message->bytes, len);
  copy->len = len;
  /* no byte behind the last one, so that a sanitizer finds a read beyond it */
  copy = realloc(copy, sizeof *copy + len);
  copy->cap = len;
  for (uint32_t i = 0; i < message->count; i++) {
    rt_shared_hold(rt_message_shared(message)[i]);
    must("there is memory", rt_message_add(copy, rt_message_shared(message)[i]) == 0);
  }
  return copy;
}

static void try_damaged(lua_State *L, rt_message *message, lua_Integer *refused,
                        lua_Integer *taken) {
  int top = lua_gettop(L);
  lua_pushcfunction(L, unpack);
  lua_pushlightuserdata(L, message);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK)
    ++*refused;
  else
    ++*taken;
  lua_settop(L, top);
}

/* refused, taken, bytes = maim(...): the message is cut at every byte; every byte is inverted, made
** one more, one less and zero, and has each single bit flipped. */
static int maim(lua_State *L) {
  lua_State *to = states[other(L)];
  lua_Integer refused = 0, taken = 0;
  rt_message *message = rtL_pack(L, rt_worker_find(L), 1, RT_PACK_VALUES);
  for (size_t len = 0; len < message->len; len++)
    try_damaged(to, copy_of(message, len), &refused, &taken);
  for (size_t i = 0; i < message->len; i++) {
    for (int how = 0; how < 12; how++) {
      rt_message *copy = copy_of(message, message->len);
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
  lua_pushinteger(L, (lua_Integer)message->len);
  rt_message_drop(message);
  return 3;
}

/* --- memory that is not there ----------------------------------------------------------------- */
/* The states use rt_realloc, which can be made to fail. A block that shrinks must not fail. */
static void *allocate(void *ud, void *p, size_t old, size_t size) {
  (void)ud;
  if (size == 0) {
    rt_free(p);
    return NULL;
  }
  void *q = rt_realloc(p, size);
  return q == NULL && p != NULL && size <= old ? p : q;
}

#if RT_DEBUG

static bool speaks_of_memory(const char *message) {
  return strstr(message, "memory") || strstr(message, "stack overflow") ||
         strstr(message, "ENOMEM");
}

static bool is_struck(lua_State *L, int status, long nth) {
  bool struck = nth > 0 && rt_alloc_count() >= nth;
  rt_alloc_fail(0, 0);
  if (status != LUA_OK &&
      !(struck && lua_isstring(L, -1) && speaks_of_memory(lua_tostring(L, -1)))) {
    printf("not ok an error that does not speak of memory, at %ld: %s\n", nth,
           luaL_tolstring(L, -1, NULL));
    check_failed++;
  }
  return struck;
}

/* pack_all(value block, ...) */
static int pack_all(lua_State *L) {
  packed *p = lua_touserdata(L, 1);
  p->message = rtL_pack(L, rt_worker_find(L), 2, RT_PACK_VALUES);
  return 0;
}

static int unpack_all(lua_State *L) {
  packed *p = lua_touserdata(L, 1);
  rtL_unpack(L, rt_worker_find(L), p->message);
  return 0;
}

typedef struct sweeper {
  lua_State *from, *to;
  long width;
  lua_Integer errors, absorbed;
} sweeper;

/* Stack: width, maker, value block. False: it ended before the nth allocation. */
static bool pack_without_memory(sweeper *s, long nth) {
  lua_State *L = s->from;
  lua_settop(L, 3);
  lua_pushcfunction(L, pack_all);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 2);
  lua_call(L, 0, LUA_MULTRET);
  rt_alloc_fail(nth, s->width);
  int status = lua_pcall(L, lua_gettop(L) - 4, 0, 0);
  bool struck = is_struck(L, status, nth);
  s->errors += status != LUA_OK;
  s->absorbed += status == LUA_OK && struck;
  return struck || status != LUA_OK;
}

static bool unpack_without_memory(sweeper *s, packed *p, long nth) {
  lua_State *L = s->to;
  lua_settop(L, 0);
  lua_pushcfunction(L, unpack_all);
  lua_pushlightuserdata(L, p);
  rt_alloc_fail(nth, s->width);
  int status = lua_pcall(L, 1, 0, 0);
  bool struck = is_struck(L, status, nth);
  s->errors += status != LUA_OK;
  s->absorbed += status == LUA_OK && struck;
  lua_settop(L, 0);
  return struck || status != LUA_OK;
}

static void drop(packed *p) {
  if (p->message) rt_message_drop(p->message);
  p->message = NULL;
}

/* errors, absorbed = sweep(width, maker): the maker's results are packed and unpacked */
static int sweep(lua_State *L) {
  sweeper s = {L, states[other(L)], (long)luaL_checkinteger(L, 1), 0, 0};
  bool more = true;
  lua_settop(L, 2);
  packed *p = push_packed(L);
  for (long n = 1; more; n++) {
    more = pack_without_memory(&s, n);
    drop(p);
  }
  more = true;
  for (long n = 1; more; n++) {
    pack_without_memory(&s, 0);
    more = unpack_without_memory(&s, p, n);
    drop(p);
  }
  lua_pushinteger(L, s.errors);
  lua_pushinteger(L, s.absorbed);
  return 2;
}

#else

static int sweep(lua_State *L) {
  lua_pushinteger(L, 0);
  lua_pushinteger(L, 0);
  return 2;
}

#endif

static int blocks(lua_State *L) {
  lua_gc(states[0], LUA_GCCOLLECT);
  lua_gc(states[1], LUA_GCCOLLECT);
#if RT_DEBUG
  lua_pushinteger(L, rt_alloc_blocks());
#else
  lua_pushinteger(L, 0);
#endif
  return 1;
}

static int descriptors(lua_State *L) {
  rt_driver_poll(&workers[0]->driver);
  rt_driver_poll(&workers[1]->driver);
  lua_pushinteger(L, count_descriptors());
  return 1;
}

/* --- hooks ------------------------------------------------------------------------------------ */
/* string = closes_early(stream): the stream is closed, as by a finalizer, after it has been packed
** and before it moves. Returns what arrives. */
static int closes_early(lua_State *L) {
  const rt_travel *travel = workers[0]->classes.travel[RT_CLASS_STREAM];
  const char *why = NULL;
  rt_shared *shared = travel->send(L, workers[0], 1, &why);
  must("it can go", shared != NULL);
  lua_getfield(L, 1, "close");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 0);
  travel->commit(L, workers[0], 1, shared);
  travel->receive(states[1], workers[1], shared);
  rt_shared_drop(shared);
  lua_pushstring(L, luaL_tolstring(states[1], -1, NULL));
  lua_settop(states[1], 0);
  return 1;
}

/* --- another thread --------------------------------------------------------------------------- */
static lua_State *new_state(void) {
  lua_State *L = lua_newstate(allocate, NULL);
  must("there is a state", L != NULL);
  luaL_openlibs(L);
  luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
  lua_settop(L, 0);
  return L;
}

static struct {
  rt_lock lock;
  rt_cond changed;
  rt_message *there, *back;
  bool over;
} far_side;

static void put_packet(rt_message **to, rt_message *message) {
  rt_lock_take(&far_side.lock);
  *to = message;
  rt_cond_broadcast(&far_side.changed);
  rt_lock_give(&far_side.lock);
}

static rt_message *get_packet(rt_message **from) {
  rt_lock_take(&far_side.lock);
  while (*from == NULL && !far_side.over) rt_cond_wait(&far_side.changed, &far_side.lock);
  rt_message *message = *from;
  *from = NULL;
  rt_lock_give(&far_side.lock);
  return message;
}

static void far_main(void *arg) {
  (void)arg;
  lua_State *L = new_state();
  rt_message *message;
  while ((message = get_packet(&far_side.there)) != NULL) {
    rtL_unpack(L, rt_worker_find(L), message);
    rt_message_drop(message);
    put_packet(&far_side.back, rtL_pack(L, rt_worker_find(L), 1, RT_PACK_RESULTS));
    lua_settop(L, 0);
  }
  lua_close(L);
}

/* ... = far(n, ...) */
static int far(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  rt_thread thread;
  lua_remove(L, 1);
  far_side.over = false;
  must("there is a lock", rt_lock_init(&far_side.lock) == 0);
  must("there is a condition", rt_cond_init(&far_side.changed) == 0);
  must("there is a thread", rt_thread_start(&thread, 1 << 20, far_main, NULL) == 0);
  for (lua_Integer i = 0; i < n; i++) {
    put_packet(&far_side.there, rtL_pack(L, rt_worker_find(L), 1, RT_PACK_VALUES));
    rt_message *message = get_packet(&far_side.back);
    lua_settop(L, 0);
    rtL_unpack(L, rt_worker_find(L), message);
    rt_message_drop(message);
  }
  rt_lock_take(&far_side.lock);
  far_side.over = true;
  rt_cond_broadcast(&far_side.changed);
  rt_lock_give(&far_side.lock);
  rt_thread_join(thread);
  rt_cond_close(&far_side.changed);
  rt_lock_close(&far_side.lock);
  return lua_gettop(L);
}

/* --- time ------------------------------------------------------------------------------------- */
static double cpu_seconds(void) {
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
  double packing = 0, unpacking = 0, start = cpu_seconds();
  bool split = n < 1000;
  for (lua_Integer i = 0; i < n; i++) {
    double t = split ? cpu_seconds() : 0;
    rt_message *message = rtL_pack(L, workers[!other(L)], 1, RT_PACK_VALUES);
    double t2 = split ? cpu_seconds() : 0;
    rtL_unpack(to, workers[other(L)], message);
    rt_message_drop(message);
    lua_settop(to, top);
    packing += t2 - t;
    unpacking += split ? cpu_seconds() - t2 : 0;
  }
  lua_pushnumber(L, (cpu_seconds() - start) / (double)n * 1e9);
  lua_pushnumber(L, packing / (double)n * 1e9);
  lua_pushnumber(L, unpacking / (double)n * 1e9);
  return 3;
}

/* Arguments: n, a function. Returns the CPU time of a call in ns. */
static int cost_of_call(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  double start = cpu_seconds();
  for (lua_Integer i = 0; i < n; i++) {
    lua_pushvalue(L, 2);
    lua_call(L, 0, 0);
  }
  lua_pushnumber(L, (cpu_seconds() - start) / (double)n * 1e9);
  return 1;
}

/* --- the whole -------------------------------------------------------------------------------- */
static const luaL_Reg functions[] = {{"echo", echo},
                                     {"call", call},
                                     {"there", there},
                                     {"far", far},
                                     {"check", check_in_lua},
                                     {"maim", maim},
                                     {"sweep", sweep},
                                     {"cost", cost},
                                     {"cost_of_call", cost_of_call},
                                     {"below", below_in_lua},
                                     {"closes_early", closes_early},
                                     {"pointer", pointer},
                                     {"blocks", blocks},
                                     {"descriptors", descriptors},
                                     {NULL, NULL}};

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
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Cases that the script cannot make. */
static void check_packet(void) {
  rt_message *message = rt_message_new();
  must("there is a packet", message != NULL);
  check("a packet has an end", rt_message_reserve(&message, RT_MESSAGE_MAX + 1) == UV_EMSGSIZE &&
                                   rt_message_reserve(&message, SIZE_MAX) == UV_EMSGSIZE);
  message->len = message->cap;
  check("... which is that of all of it",
        rt_message_reserve(&message, RT_MESSAGE_MAX - message->len + 1) == UV_EMSGSIZE);
  rt_message_drop(message);
}

int main(int argc, char **argv) {
  check_begin(RT_DEBUG ? 300 : 120);
  check_packet();
#if RT_DEBUG
  long before = rt_alloc_blocks();
#endif
  for (int i = 0; i < 2; i++) {
    states[i] = new_state();
    workers[i] = rt_worker_find(states[i]);
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
#if RT_DEBUG
  check("when all is closed, no memory is left", rt_alloc_blocks() == before);
#endif
  return check_end();
}
