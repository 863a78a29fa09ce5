/* lib/std/os.c - os.exit with tasks, and os.execute in pool workers.
**
** os.exit without 'close' is the original. With it, the state is closed, which code of a task of
** that state cannot do: the task is suspended for good, and the main worker closes the state from
** where the main chunk waits (run/exit.h). The first request counts. If the program ends already,
** the request only sets the exit code.
**
** os.execute: C's system() ignores SIGINT in the whole process while the command runs, and the
** command inherits the signal mask of its thread, in which a worker of the pool blocks all signals.
** So workers of the pool start the command themselves.
*/
#include "diag/watchdog.h"
#include "lib/lib.h"
#include "run/cancel.h"
#include "run/current.h"
#include "run/exit.h"
#include "run/stop.h"
#include "run/unhandled.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static int check_exit_code(lua_State *L) {
  if (lua_isboolean(L, 1)) return lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  return (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
}

/* Requests that the main worker ends the process. */
static void request_exit(rt_worker *w, int code) {
  if (w->slot == NULL) {
    rt_exit_request(w, code);
    return;
  }
  if (!rt_worker_is_ending(w))
    rt_watchdog_set_exit_deadline(rt_clock() + rt_worker_grace(w) + RT_SECOND, code);
  rt_runtime_request_exit(w->slot->sched->config.runtime, code);
}

static int exit_resume(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return luaL_error(L, "the program has ended");
}

/* The task is suspended for good. If the program ends already, the task is unwound instead, like
** all other tasks. */
static int exit_in_task(lua_State *L, rt_worker *w) {
  request_exit(w, check_exit_code(L));
  rt_unhandled_set_handled(L, w);
  if (rt_worker_is_ending(w)) {
    rtL_cancel_push_end(L);
    return rtL_cancelled_raise(L, w);
  }
  rt_current_yield(w, RT_YIELD_WAIT);
  return lua_yieldk(L, 0, 0, exit_resume);
}

/* In a finalizer that runs between two tasks. The state cannot be closed inside of a finalizer. */
static int exit_between_tasks(lua_State *L, rt_worker *w) {
  request_exit(w, check_exit_code(L));
  return luaL_error(L, "the program has ended");
}

/* os.exit([code [, close]]) */
static int os_exit(lua_State *L) {
  rt_worker *w = rt_self(L);
  bool in_task = w->current.task != NULL && !w->current.task->is_main, close = lua_toboolean(L, 2);
  lua_settop(L, 2);
  if (!lua_isboolean(L, 1)) luaL_optinteger(L, 1, 0);
  if (close && in_task && L == w->current.co && !w->current.blocked && lua_isyieldable(L))
    return exit_in_task(L, w);
  if (close && w->current.task == NULL && !w->stop.closed) return exit_between_tasks(L, w);
  close = close && !in_task;
  rt_exit_begin(w);
  if (close && w->current.task != NULL) rt_stop_quietly(L, w);
  rtL_exit_call_original(L, w, check_exit_code(L), close);
  return 0;
}

/* --- os.execute ------------------------------------------------------------------------------- */
/* Returns 0 or an errno. */
static int start_shell(pid_t *pid, const char *command) {
  char *argv[] = {"sh", "-c", (char *)command, NULL};
  posix_spawnattr_t attr;
  sigset_t none;
  int err = posix_spawnattr_init(&attr);
  if (err != 0) return err;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attr, &none);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
  err = posix_spawn(pid, "/bin/sh", NULL, &attr, argv, environ);
  posix_spawnattr_destroy(&attr);
  return err;
}

/* Returns a wait status, and sets errno to 0, which luaL_execresult checks; or -1, and errno says
** why. */
static int run_command(const char *command) {
  pid_t pid, ended;
  int status, err = start_shell(&pid, command);
  if (err != 0) {
    errno = err;
    return -1;
  }
  do ended = waitpid(pid, &status, 0);
  while (ended < 0 && errno == EINTR);
  if (ended < 0) return -1;
  errno = 0;
  return status;
}

/* true | nil, "exit" or "signal", code = os.execute([command]) */
static int os_execute(lua_State *L) {
  const char *command = luaL_optstring(L, 1, NULL);
  if (command) return luaL_execresult(L, run_command(command));
  lua_pushboolean(L, run_command("exit 0") == 0);
  return 1;
}

void rtL_open_os(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"exit", os_exit}, {NULL, NULL}};
  static const luaL_Reg pool_functions[] = {{"execute", os_execute}, {NULL, NULL}};
  lua_getfield(L, -1, "exit");
  if (lua_tocfunction(L, -1) == os_exit) { /* an earlier attempt to open rt has failed after this */
    lua_pop(L, 1);
    return;
  }
  rtL_exit_set_original(L, w);
  rtL_set_functions(L, w, functions);
  if (w->slot) rtL_set_functions(L, w, pool_functions);
}
