#include "host/luaopen.h"

#include "host/core_module.h"
#include "run/deadlock.h"
#include "run/signals.h"
#include "lib/lib.h"
#include "host/worker_main.h"
#include "run/stop.h"

#include <fcntl.h>
#include <unistd.h>

/* --- the end of the main chunk ---------------------------------------------------------------------- */
/* In lua_close, finalizers run newest first, and tasks should unwind before what they use
** is finalized.  So a fresh object is planted whenever the main chunk gets control back
** while tasks live; the last one planted stops the runtime. */
static int last_word(lua_State *L) {
  rt_worker *w = rtL_self(L);
  if (w->last_word != lua_touserdata(L, 1)) return 0;
  w->state_closes = true;
  rtL_stop_quietly(L, w);
  return 0;
}

static int plant(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  void *word = lua_newuserdatauv(L, 1, 0);
  rtL_anchor_push(L, w, RT_ANCHOR_CLOSE_SENTINEL);
  lua_getmetatable(L, -1);
  lua_setmetatable(L, -3);
  lua_pop(L, 1);
  rtL_anchor_set(L, w, RT_ANCHOR_CLOSE_SENTINEL);
  w->last_word = word;
  return 0;
}

static void plant_last_word(rt_worker *w) {
  lua_pushcfunction(w->pcall_L, plant);
  lua_pushlightuserdata(w->pcall_L, w);
  if (lua_pcall(w->pcall_L, 1, 0, 0) != LUA_OK) lua_pop(w->pcall_L, 1);
}

static void prepare_last_word(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__gc", last_word}, {NULL, NULL}};
  w->last_word = lua_newuserdatauv(L, 1, 0);
  lua_newtable(L);
  rtL_set_functions(L, w, meta);
  lua_setmetatable(L, -2);
  rtL_anchor_set(L, w, RT_ANCHOR_CLOSE_SENTINEL);
  w->main_returns = plant_last_word;
}

/* --- its beginning ---------------------------------------------------------------------------------- */
static void make_main_task(lua_State *L, rt_worker *w) {
  rt_task *t = rtL_class_new(L, &w->classes, RT_CLASS_TASK, sizeof *t, 0);
  rt_task_init(t, 0);
  t->phase = RT_RUNNING;
  t->is_main = 1;
  rtL_anchor_push(L, w, RT_ANCHOR_REASONS); /* why a signal cancels it */
  lua_pushliteral(L, "interrupted!");
  lua_rawsetp(L, -2, t);
  lua_pop(L, 1);
  rtL_anchor_set(L, w, RT_ANCHOR_MAIN);
  w->main = t;
  w->running = t;
  w->cur = w->L; /* (a coroutine that requires rt was resumed by who does not keep this) */
}

/* libuv would get the number of one that is closed for a descriptor of its own, and abort.
** Opened the wrong way round, they go on to answer EBADF. */
static void occupy_standard_descriptors(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int luaopen_rt_core(lua_State *L) {
  luaL_checkversion(L);
  if (rtL_core_module_find(L)) return 1;
  occupy_standard_descriptors();
  rt_worker *w = rtL_core_module_new(L);
  make_main_task(L, w);
  prepare_last_word(L, w);
  w->open_pools = rtL_worker_main_open;
  w->driver.on_stillness = rt_deadlock_suspect_in_main;
  if (rt_vtime_join(&w->vthread)) w->driver.vthread = &w->vthread;
  rt_signals_share(w);
  rtL_core_module_install(L, w);
  rt_core_module_enter(w);
  return 1;
}
