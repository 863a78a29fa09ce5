/* spec/ground/stack_check.c - what debug builds check in functions that take an L or a worker.
**
** They run on the worker's thread, and leave the Lua stack as high as they say. Each fault is made
** in a child process, which must end because of it.
*/
#include "base/base.h"

#include <stdio.h>

#if !RT_DEBUG

int main(void) {
  puts("ok (only debug builds look)");
  return EXIT_SUCCESS;
}

#else

#include "check.h"
#include "host/luaopen.h"
#include "worker/worker.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <sys/wait.h>

static lua_State *L;
static rt_worker *w;

/* --- functions that leave the stack as they say, and others that do not ----------------------- */
static void rtL_push_one(int say) {
  RTL_ENTER(L, w, say);
  lua_pushnil(L);
}

static int rtL_leave_early(bool early) {
  RTL_STACK_CHECK(L, 0);
  lua_pushnil(L);
  if (early) return 1; /* and leaves the value on the stack */
  lua_pop(L, 1);
  return 0;
}

static int do_raise(lua_State *co) {
  RTL_STACK_CHECK(co, +5);
  return luaL_error(co, "an error jumps over the look");
}

static void good(void) {
  rtL_push_one(+1);
  lua_pop(L, 1);
  rtL_leave_early(false);
  lua_pushcfunction(L, do_raise);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) abort();
}

static void pushes_too_much(void) { rtL_push_one(0); }
static void returns_early(void) { rtL_leave_early(true); }

/* --- another thread --------------------------------------------------------------------------- */
static void run_on_thread(void (*f)(void *)) {
  rt_thread thread;
  must("a thread starts", rt_thread_start(&thread, 1 << 20, f, NULL) == 0);
  rt_thread_join(thread);
}

static void push_anchor(void *arg) {
  (void)arg;
  rt_anchor_push(L, w, RT_ANCHOR_MAIN);
}

/* A function of rt in Lua: it gets the worker by rt_self. */
static void call_lua(void *arg) {
  (void)arg;
  luaL_loadstring(L, "require('rt.core').yield()");
  lua_pcall(L, 0, 0, 0);
}

static void take_id(void *arg) {
  (void)arg;
  rt_worker_next_id(w);
}

static void pushes_elsewhere(void) { run_on_thread(push_anchor); }
static void calls_elsewhere(void) { run_on_thread(call_lua); }
static void asks_elsewhere(void) { run_on_thread(take_id); }

/* --- how the child ends ----------------------------------------------------------------------- */
static char output[4096];

/* Returns the status of a child process that has called f; what it wrote to stderr is in
** 'output'. */
static int run_in_child(void (*f)(void)) {
  int pipe_fds[2], status;
  must("there is a pipe", pipe(pipe_fds) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    dup2(pipe_fds[1], STDERR_FILENO);
    f();
    _exit(EXIT_SUCCESS);
  }
  close(pipe_fds[1]);
  ssize_t n, len = 0;
  while ((n = read(pipe_fds[0], output + len, sizeof output - 1 - (size_t)len)) > 0) len += n;
  output[len] = '\0';
  close(pipe_fds[0]);
  waitpid(child, &status, 0);
  return status;
}

static bool dies(void (*f)(void), const char *word, const char *other) {
  int status = run_in_child(f);
  bool right = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(output, word) &&
               strstr(output, other);
  if (!right) printf("# status %d: %s\n", status, output);
  return right;
}

int main(void) {
  check_begin(60);
  L = luaL_newstate();
  must("there is a state", L != NULL);
  luaL_requiref(L, "_G", luaopen_base, 0);
  luaL_requiref(L, "package", luaopen_package, 0);
  luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
  lua_settop(L, 0);
  w = rt_worker_find(L);
  check("who does what it says goes on, and an error is none of that", run_in_child(good) == 0);
  check("a value too many is told of", dies(pushes_too_much, "rtL_push_one", "by +1, not by +0"));
  check("… and one that is left by an early return",
        dies(returns_early, "rtL_leave_early", "by +1, not by +0"));
  check("another thread may not use the worker's state",
        dies(pushes_elsewhere, "rt_anchor_push", "->thread"));
  check("… nor call a function of rt in it", dies(calls_elsewhere, "rt_self", "->thread"));
  check("… nor ask the worker for something",
        dies(asks_elsewhere, "rt_worker_next_id", "->thread"));
  lua_close(L);
  return check_end();
}

#endif
