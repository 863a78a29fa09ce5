#include "module.h"

#include "cancel.h"
#include "interrupt.h"
#include "lib.h"
#include "outcome.h"
#include "runtime.h"
#include "turn.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* --- the end -------------------------------------------------------------------------------------- */
/* A stock interpreter has computed its exit code before it closes the state. */
static bool exit_with_failure;

static void at_exit(void) {
  if (!exit_with_failure) return;
  fflush(NULL);
  _Exit(EXIT_FAILURE);
}

/* The state closes, and with it the worker. */
static int on_close(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  if (w->closing) return 0;
  rtL_runtime_stop_quietly(L, w);
  rt_interrupt_forget(w);
  if (w->failed && !w->hosted && !w->has_code) exit_with_failure = true;
  rt_worker_close(w);
  return 0;
}

/* In lua_close, finalizers run newest first, and tasks should unwind before what they use
** is finalized.  So a fresh object is planted whenever the main chunk gets control back
** while tasks live; the last one planted stops the runtime. */
static int last_word(lua_State *L) {
  rt_worker *w = rtL_self(L);
  if (w->last_word == lua_touserdata(L, 1)) rtL_runtime_stop_quietly(L, w);
  return 0;
}

static int plant(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  void *word = lua_newuserdatauv(L, 1, 0);
  rtL_keep_push(L, w, RT_KEEP_LAST_WORD);
  lua_getmetatable(L, -1);
  lua_setmetatable(L, -3);
  lua_pop(L, 1);
  rtL_keep_set(L, w, RT_KEEP_LAST_WORD);
  w->last_word = word;
  return 0;
}

static void plant_last_word(rt_worker *w) {
  lua_pushcfunction(w->hand, plant);
  lua_pushlightuserdata(w->hand, w);
  if (lua_pcall(w->hand, 1, 0, 0) != LUA_OK) lua_pop(w->hand, 1);
}

static void prepare_last_word(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", last_word}, {NULL, NULL}};
  w->last_word = lua_newuserdatauv(L, 1, 0);
  lua_newtable(L);
  rtL_set_functions(L, w, meta);
  lua_setmetatable(L, -2);
  rtL_keep_set(L, w, RT_KEEP_LAST_WORD);
  w->main_returns = plant_last_word;
}

/* --- the beginning ---------------------------------------------------------------------------------- */
static void make_main_task(lua_State *L, rt_worker *w) {
  rt_task *t = rtL_class_new(L, &w->classes, RT_CLASS_TASK, sizeof *t, 0);
  rt_task_init(t, 0);
  t->phase = RT_RUNNING;
  t->is_main = 1;
  rtL_keep_push(L, w, RT_KEEP_REASONS); /* why a signal cancels it */
  lua_pushliteral(L, "interrupted!");
  lua_rawsetp(L, -2, t);
  lua_pop(L, 1);
  rtL_keep_set(L, w, RT_KEEP_MAIN);
  w->main = t;
  w->running = t;
  w->cur = L;
}

static void replace_functions(lua_State *L, rt_worker *w, const char *library,
                              void (*open)(lua_State *, rt_worker *)) {
  if (lua_getglobal(L, library) == LUA_TTABLE) open(L, w);
  lua_pop(L, 1);
}

/* rt.on_unhandled(f) */
static int on_unhandled(lua_State *L) {
  if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  rtL_keep_set(L, rtL_self(L), RT_KEEP_ON_UNHANDLED);
  return 0;
}

/* string = rt.traceback([error [, level]]) */
static int traceback(lua_State *L) {
  lua_settop(L, 2);
  rtL_outcome_where(L, rtL_self(L), 1, (int)luaL_optinteger(L, 2, 1));
  return 1;
}

static void fill(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {
      {"on_unhandled", on_unhandled}, {"traceback", traceback}, {NULL, NULL}};
  rtL_outcome_classes(L, w);
  rtL_cancel_classes(L, w);
  lua_setfield(L, -2, "Cancelled");
  rtL_open_task(L, w);
  rtL_open_time(L, w);
  rtL_open_tcp(L, w);
  rtL_set_functions(L, w, functions);
  lua_pushliteral(L, RT_VERSION);
  lua_setfield(L, -2, "version");
}

/* libuv would get the number of one that is closed for a descriptor of its own, and abort.
** Opened the wrong way round, they go on to answer EBADF. */
static void occupy_standard_descriptors(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static const char core_key; /* a state has one rt, however often it is required */

int luaopen_rt_core(lua_State *L) {
  static bool prepared;
  luaL_checkversion(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key) == LUA_TTABLE) return 1;
  if (!prepared) atexit(at_exit);
  occupy_standard_descriptors();
  prepared = true;
  rt_worker *w = rtL_worker_find(L); /* of an attempt for which there was no memory */
  if (w == NULL) w = rtL_worker_new(L, rt_turn_run, on_close);
  lua_newtable(L);
  fill(L, w);
  make_main_task(L, w);
  replace_functions(L, w, "coroutine", rtL_open_coroutine);
  replace_functions(L, w, "os", rtL_open_os);
  prepare_last_word(L, w);
  rt_interrupt_share(w);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
  return 1;
}
