/* lib_os.c - os.exit, when tasks are there.
**
** Without 'close' it is the original.  With it, the state is closed, which cannot be done
** from within a task: the task stops where it is, and the worker closes the state from
** where the main chunk waits.
*/
#include "lib.h"
#include "runtime.h"

/* Upvalue 2 is a table: the original, and the arguments of the task that asked. */
enum { ORIGINAL = 1, CODE };

static const char exit_key;

/* The main chunk waits for something: for the end, from here on. */
static void leave(rt_worker *w, lua_State *L) {
  bool asked = w->asked_to_exit;
  w->asked_to_exit = false;
  if (w->main->phase == RT_WAITING)
    rt_task_unpark(w->main, RT_FIRED);
  else
    rt_list_remove(&w->main->link);
  w->running = w->main;
  w->cur = L;
  rtL_runtime_stop_quietly(L, w);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &exit_key);
  lua_rawgeti(L, -1, ORIGINAL);
  if (asked)
    lua_pushinteger(L, w->asked_code);
  else
    lua_rawgeti(L, -2, CODE);
  lua_pushboolean(L, 1);
  lua_call(L, 2, 0); /* does not return */
}

/* In a worker of the pool: the main worker closes everything, this one too. */
static void ask_main(lua_State *L, rt_worker *w) {
  int code = lua_isboolean(L, 1) ? (lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE)
                                 : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
  rt_office_ask_to_exit(w->seat->sched->config.office, code);
}

static int never(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return luaL_error(L, "the program has ended");
}

/* os.exit([code [, close]]) */
static int do_exit(lua_State *L) {
  rt_worker *w = rtL_self(L);
  bool in_task = w->running != NULL && !w->running->is_main;
  lua_settop(L, 2);
  if (!lua_isboolean(L, 1)) luaL_optinteger(L, 1, 0);
  w->has_code = true;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &exit_key);
  if (in_task && lua_toboolean(L, 2) && L == w->cur && !w->blocked && lua_isyieldable(L)) {
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, CODE);
    w->exiting = w->running;
    w->suspending = true;
    if (w->seat)
      ask_main(L, w); /* and stays where it is */
    else
      rt_ready_add(&w->driver.ready, w->running);
    return lua_yieldk(L, 0, 0, never);
  }
  bool close = !in_task && lua_toboolean(L, 2);
  if (close && w->running != NULL) rtL_runtime_stop_quietly(L, w);
  lua_rawgeti(L, 3, ORIGINAL);
  lua_pushvalue(L, 1);
  lua_pushboolean(L, close);
  lua_call(L, 2, 0);
  return 0;
}

void rtL_open_os(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"exit", do_exit}, {NULL, NULL}};
  w->leave = leave;
  lua_getfield(L, -1, "exit");
  if (lua_tocfunction(L, -1) == do_exit) { /* since an attempt to open rt that failed later */
    lua_pop(L, 1);
    return;
  }
  lua_newtable(L);
  lua_insert(L, -2);
  lua_rawseti(L, -2, ORIGINAL);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &exit_key);
  rtL_set_functions(L, w, functions);
}
