/* spec/ground/oom.c - the sweep of failing allocations.
**
**   oom [-w WIDTH] [-s STRIDE] [-o OFFSET] [-n POINT] [-t SECONDS] [-l] [-m] [-L] SCRIPT
**
** Runs the script once for each N = 1, 2, 3 …, each time in a fresh state in which allocation
** number N fails, until a run ends before its allocation N. Such a run is called a point.
** '-w 2': the next allocation fails, too (a single failure is absorbed by Lua's emergency
** collection); '-w 0': all that follow. '-s 7 -o 3': the points 3, 10, 17 …; '-n': one point.
** Counting begins when the standard libraries are open; '-l': before the state is made. The host
** is like rt-lua; '-m': like a stock interpreter. A point that takes longer than '-t' seconds (8)
** hangs.
**
** At each point: nothing crashes or hangs; the script returns true, or raises an error of memory;
** when memory is back, the script succeeds in the same state; after the state is closed no block
** and no descriptor is left. The points run in a child process, so that a crash is reported like
** any other failure.
**
** One failure is not counted: to call a finalizer Lua may need memory itself (a level of calls, a
** larger stack). If there is none, Lua writes a warning and never calls the finalizer again. The
** blocks that are left then are excused; such points are few, and their number is printed.
*/
#include "base/base.h"

#include <stdio.h>

#if !RT_DEBUG

int main(void) {
  puts("ok (allocations fail in debug builds only)");
  return EXIT_SUCCESS;
}

#else

#include "check.h"
#include "host/luaopen.h"
#include "host/require.h"
#include "run/stop.h"
#include "worker/lua_state.h"

#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_do_recoverable_leak_check() 0
#endif

enum { MOST_TROUBLES = 12 };

typedef struct sweep {
  /* the options */
  const char *script;
  long width, stride, first, only;
  long seconds; /* after which a point hangs */
  bool from_state, as_module, check_leaks;
  /* the results; shared with the child */
  long at; /* the current point */
  long points, stillborn, errors, absorbed, troubles, excused;
  bool complete;
} sweep;

static sweep *the;

static void trouble(const char *what, const char *detail) {
  printf("not ok %s, at -n %ld: %s\n", what, the->at, detail);
  the->troubles++;
}

/* --- one state -------------------------------------------------------------------------------- */
static void arm(void) { rt_alloc_fail(the->at, the->width > 0 ? the->width : LONG_MAX / 2); }

/* If there is no memory for the metatable of Lua's own buffers, they never work again. So they get
** it before the first failure. */
static void prime_buffers(lua_State *L) {
  luaL_Buffer b;
  luaL_buffinitsize(L, &b, 100 * LUAL_BUFFERSIZE);
  luaL_pushresultsize(&b, 0);
}

/* Opens what a host opens, and runs the script. */
static int run_script(lua_State *L) {
  bool again = lua_toboolean(L, 1);
  luaL_openlibs(L);
  prime_buffers(L);
  if (!the->from_state && !again) arm();
  if (the->as_module) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_rt_core);
    lua_setfield(L, -2, "rt.core");
  } else {
    luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
    rt_worker_find(L)->in_rt_lua = true;
    rtL_require_open(L);
  }
  lua_settop(L, 0);
  if (luaL_loadfile(L, the->script) != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

static int run_protected(lua_State *L, bool again) {
  lua_settop(L, 0);
  lua_pushcfunction(L, run_script);
  lua_pushboolean(L, again);
  return lua_pcall(L, 1, 1, 0);
}

static int stop(lua_State *L) {
  rt_worker *w = rt_worker_find(L);
  if (w) rtL_stop(L, w);
  return 0;
}

/* rt-lua stops the runtime itself, before it closes the state. */
static void stop_protected(lua_State *L) {
  if (the->as_module) return;
  lua_pushcfunction(L, stop);
  lua_pcall(L, 0, 0, 0);
}

/* The messages of Lua and rt for lack of memory; the last three are stacks that cannot grow. */
static bool speaks_of_memory(const char *message) {
  static const char *const words[] = {"not enough memory", "ENOMEM", "stack overflow",
                                      "too many arguments", "too many results"};
  for (size_t i = 0; i < rt_countof(words); i++)
    if (strstr(message, words[i])) return true;
  return false;
}

static const char *message_of(lua_State *L) {
  const char *message = lua_tostring(L, -1);
  return message ? message : luaL_tolstring(L, -1, NULL);
}

/* With '-l' the allocation that failed may be that of prime_buffers. */
static bool is_buffer_without_metatable(lua_State *L) {
  return the->from_state && strstr(message_of(L), "got a non-closable value");
}

static void judge(lua_State *L, int status, bool struck) {
  if (status != LUA_OK) {
    the->errors++;
    if (!struck || !speaks_of_memory(message_of(L)))
      trouble("an error that does not speak of memory", message_of(L));
  } else {
    the->absorbed += struck;
    if (!lua_isboolean(L, -1) || !lua_toboolean(L, -1)) trouble("a wrong result", message_of(L));
  }
}

/* False: the script ended before allocation number 'at'. */
static bool try_state(void) {
  rt_alloc_fail(0, 0);
  if (the->from_state) arm();
  lua_State *L = rt_lua_state_new();
  if (L == NULL) {
    the->stillborn++;
    return true;
  }
  int status = run_protected(L, false);
  bool struck = rt_alloc_count() >= the->at;
  judge(L, status, struck);
  bool to_the_end = the->width == 0 && the->at % 2 == 0; /* the close has no memory, either */
  if (!to_the_end) {
    rt_alloc_fail(0, 0);
    if (struck && run_protected(L, true) != LUA_OK && !is_buffer_without_metatable(L))
      trouble("with memory back, the same state fails", message_of(L));
  }
  stop_protected(L);
  rt_lua_state_close(L);
  rt_alloc_fail(0, 0);
  return struck;
}

/* --- one point -------------------------------------------------------------------------------- */
/* What is allocated between two points; threads of the thread pool free their part later. */
static struct {
  long blocks;
  int descriptors;
} rest;

static bool is_at_rest(void) {
  return rt_alloc_blocks() == rest.blocks && count_descriptors() == rest.descriptors;
}

/* A finalizer could not be called (see above). A new child runs the next points. */
static void excuse(void) {
  the->excused++;
  the->at += the->stride;
  the->complete = the->only;
  fflush(stdout);
  _exit(EXIT_SUCCESS);
}

/* How often, with a millisecond in between, is_at_rest is called until all threads have ended. */
static long tries_to_rest(void) { return the->seconds * 250; }

static void look_for_remains(long lost_before) {
  char text[64];
  for (int tries = 0; !is_at_rest() && tries < tries_to_rest(); tries++) usleep(1000);
  if (is_at_rest()) return;
  if (rt_lua_state_lost() > lost_before) excuse();
  snprintf(text, sizeof text, "%ld blocks, %d descriptors", rt_alloc_blocks() - rest.blocks,
           count_descriptors() - rest.descriptors);
  trouble("something is left", text);
  rest.blocks = rt_alloc_blocks();
  rest.descriptors = count_descriptors();
}

/* One run without a failure: the script works, and libuv opens the descriptors that it keeps. */
static void warm_up(void) {
  long at = the->at;
  rest.blocks = rt_alloc_blocks();
  alarm((unsigned)the->seconds);
  the->at = LONG_MAX;
  try_state();
  for (int tries = 0; rt_alloc_blocks() != rest.blocks && tries < tries_to_rest(); tries++)
    usleep(1000);
  usleep(1000);
  rest.descriptors = count_descriptors();
  the->at = at;
}

static bool try_point(void) {
  alarm((unsigned)the->seconds);
  long lost_before = rt_lua_state_lost();
  bool struck = try_state();
  the->points += struck;
  look_for_remains(lost_before);
  if (the->check_leaks && __lsan_do_recoverable_leak_check())
    trouble("the leak sanitizer has found something", "");
  fflush(stdout);
  return struck;
}

/* --- the child, and its parent ---------------------------------------------------------------- */
/* Prints what was written to stderr, which is a file. */
static void print_log(int log) {
  FILE *f = fdopen(dup(log), "r");
  char line[512];
  rewind(f);
  for (int n = 0; n < 60 && fgets(line, sizeof line, f); n++) printf("#   %s", line);
  fclose(f);
  fflush(stdout);
}

static void try_points(void) {
  bool struck = true;
  warm_up();
  while (struck && the->troubles < MOST_TROUBLES) {
    long before = the->troubles;
    must("stderr can be emptied", ftruncate(STDERR_FILENO, 0) == 0);
    struck = try_point();
    if (the->troubles > before) print_log(STDERR_FILENO);
    if (the->only) break;
    the->at += the->stride;
  }
  the->complete = !struck || the->only;
  alarm(0);
  if (__lsan_do_recoverable_leak_check()) {
    trouble("the leak sanitizer has found something", "somewhere; with -L, where");
    print_log(STDERR_FILENO);
  }
  fflush(stdout);
  _exit(EXIT_SUCCESS);
}

/* A child runs the points that are left. If it crashes, another child continues after it. */
static void sweep_some(void) {
  FILE *log = tmpfile();
  char text[64];
  int status;
  must("there is a file for stderr", log != NULL);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    fcntl(fileno(log), F_SETFL, O_APPEND);
    dup2(fileno(log), STDERR_FILENO);
    try_points();
  }
  must("the child ends", child > 0 && waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0) {
    if (WIFSIGNALED(status))
      snprintf(text, sizeof text, "%s",
               WTERMSIG(status) == SIGALRM ? "no end" : strsignal(WTERMSIG(status)));
    else
      snprintf(text, sizeof text, "exit code %d", WEXITSTATUS(status));
    trouble("a crash", text);
    print_log(fileno(log));
    the->at += the->stride;
    the->complete = the->only;
  }
  fclose(log);
}

static void usage(void) {
  fputs(
      "usage: oom [-w WIDTH] [-s STRIDE] [-o OFFSET] [-n POINT] [-t SECONDS] [-l] [-m] [-L] "
      "SCRIPT\n",
      stderr);
  exit(EXIT_FAILURE);
}

static void parse(int argc, char **argv) {
  int option;
  while ((option = getopt(argc, argv, "w:s:o:n:t:lmL")) != -1) {
    long value = optarg ? strtol(optarg, NULL, 10) : 0;
    switch (option) {
      case 'w': the->width = value; break;
      case 's': the->stride = value > 0 ? value : 1; break;
      case 'o': the->first = value > 0 ? value : 1; break;
      case 'n': the->only = value; break;
      case 't': the->seconds = value > 0 ? value : 1; break;
      case 'l': the->from_state = true; break;
      case 'm': the->as_module = true; break;
      case 'L': the->check_leaks = true; break;
      default: usage();
    }
  }
  if (optind != argc - 1) usage();
  the->script = argv[optind];
}

int main(int argc, char **argv) {
  the = mmap(NULL, sizeof *the, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must("there is memory", the != MAP_FAILED);
  *the = (sweep){.width = 1, .stride = 1, .first = 1, .seconds = 8};
  parse(argc, argv);
  the->at = the->only ? the->only : the->first;
  while (!the->complete && the->troubles < MOST_TROUBLES) sweep_some();
  if (the->excused > 2 + the->points / 100) trouble("finalizers are lost", "at too many points");
  printf(
      "%s %ld points: %ld without a state, %ld errors, %ld absorbed, %ld excused; %ld troubles%s\n",
      the->troubles ? "not ok" : "ok", the->points, the->stillborn, the->errors, the->absorbed,
      the->excused, the->troubles, the->complete ? "" : " (given up)");
  return the->troubles ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
