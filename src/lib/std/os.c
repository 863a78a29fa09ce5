/* lib/std/os.c - os.exit with tasks, and os.execute.
**
** os.exit without 'close' is the original. With it, the state is closed, which code of a task of
** that state cannot do: the task is suspended for good, and the main worker closes the state from
** where the main chunk waits (run/exit.h). The first request counts. If the program ends already,
** the request only sets the exit code. In a task of a child of fork, where there is no main
** worker (run/forked.h), 'close' counts for nothing.
**
** os.execute: C's system() ignores SIGINT in the whole process while the command runs, cannot be
** interrupted, and the command inherits the signal mask of its thread, in which a worker of the
** pool blocks all signals. So workers of the pool, and rt-lua, start the command themselves. A
** SIGINT from the keyboard is for the command alone, as it is with system(); but if it ends the
** command, it counts for the program, too (as in a shell). In the main state of another interpreter
** the original is called.
*/
#include "diag/watchdog.h"
#include "lib/lib.h"
#include "lib/std/command.h"
#include "run/cancel.h"
#include "run/current.h"
#include "run/exit.h"
#include "run/signals.h"
#include "run/stop.h"
#include "run/unhandled.h"

#include <signal.h>
#include <sys/wait.h>

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
  bool can_wait = L == w->current.co && !w->current.blocked && lua_isyieldable(L);
  if (close && in_task && can_wait && !w->stop.closed) return exit_in_task(L, w);
  if (close && w->current.task == NULL && !w->stop.closed) return exit_between_tasks(L, w);
  close = close && !in_task;
  rt_exit_begin(w);
  if (close && w->current.task != NULL) rt_stop_quietly(L, w);
  rtL_exit_call_original(L, w, check_exit_code(L), close);
  return 0;
}

/* --- os.execute ------------------------------------------------------------------------------- */
/* As Lua's own: what C's system() does. Upvalue 3 is the original function. */
static int execute_originally(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* Did SIGINT end the command? (A shell may exit with 130 when SIGINT has ended its command.) */
static bool was_interrupted(int status) {
  return WIFSIGNALED(status) ? WTERMSIG(status) == SIGINT
                             : WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGINT;
}

static int run_command(rt_worker *w, const char *command) {
  pid_t pid;
  int err = rt_command_start(command, RT_COMMAND_NO_PIPE, &pid, NULL);
  if (err != 0) {
    errno = err;
    return -1;
  }
  if (w->slot == NULL) rt_signals_command_begin(w);
  int status = rt_command_wait(w, pid);
  err = errno;
  if (w->slot == NULL) rt_signals_command_end(w, status >= 0 && was_interrupted(status));
  errno = err;
  return status;
}

/* true | nil, "exit" or "signal", code = os.execute([command]) */
static int os_execute(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (w->slot == NULL && !w->in_rt_lua) return execute_originally(L);
  const char *command = luaL_optstring(L, 1, NULL);
  if (command) return luaL_execresult(L, run_command(w, command));
  lua_pushboolean(L, run_command(w, "exit 0") == 0);
  return 1;
}

/* Stack: the library -> unchanged. The first two upvalues are those of rtL_set_functions: the
** second one keeps the worker alive, whatever the program removes. */
static void open_execute(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  lua_pushlightuserdata(L, w);
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_getfield(L, -3, "execute");
  if (lua_iscfunction(L, -1)) { /* (else the program has removed or replaced it) */
    lua_pushcclosure(L, os_execute, 3);
    lua_setfield(L, -2, "execute");
  } else {
    lua_pop(L, 3);
  }
}

void rtL_open_os(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"exit", os_exit}, {NULL, NULL}};
  lua_getfield(L, -1, "exit");
  if (lua_tocfunction(L, -1) == os_exit) { /* an earlier attempt to open rt has failed after this */
    lua_pop(L, 1);
    return;
  }
  rtL_exit_set_original(L, w);
  rtL_set_functions(L, w, functions);
  open_execute(L, w);
}
