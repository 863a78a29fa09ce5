/* spec/ground/state.c - what a state of Lua with rt leaves behind when it is closed: no descriptor,
** no thread, no block of memory, and nothing that disturbs the next state.
*/
#include "check.h"
#include "host/luaopen.h"
#include "worker/lua_state.h"

#include <dirent.h>

/* Each leaves something that has not ended. The module is the global 'rt'. (The loops allocate
** memory: the thread sanitizer delivers signals only there.) */
static const struct {
  const char *title, *text;
} scripts[] = {
    {"one without tasks", "rt.now()"},
    {"one with local tasks that wait, compute and clean up",
     "local ch, m = rt.channel(1), rt.mutex(1)\n"
     "rt.spawn_local(function() local g <close> = m:lock() ch:recv() end)\n"
     "rt.spawn_local(function() m:lock() end)\n"
     "rt.spawn_local(coroutine.wrap(function() rt.timeout(100, rt.sleep, 50) end))\n"
     "rt.spawn_local(function() pcall(rt.sleep, 100) rt.shield(rt.sleep, 0.01) end)\n"
     "rt.spawn_local(function() rt.select(ch:recv_op(), rt.sleep_op(100)) end)\n"
     "rt.timeout(0.01, function() while true do ('x'):rep(100000) end end)\n"
     "rt.sleep(0.005)"},
    {"one with tasks that have failed, and a task that has not begun",
     "local t = rt.spawn_local(error, 'expected')\n"
     "rt.on_unhandled(function() end)\n"
     "pcall(t.join, t)\n"
     "rt.spawn_local(error, {})\n"
     "rt.yield()\n"
     "collectgarbage()\n"
     "rt.spawn_local(print, 'is not run')"},
    {"one with sockets and lookups",
     "local l = assert(rt.tcp.listen('127.0.0.1', 0))\n"
     "local _, port = l:sock()\n"
     "for i = 1, 3 do rt.spawn_local(function()\n"
     "  local s = assert(rt.tcp.connect('localhost', port))\n"
     "  s:write('x') s:read('a')\n"
     "end) end\n"
     "local s = l:accept()\n"
     "assert(s:read(1) == 'x')\n"
     "rt.spawn_local(s.read, s, 'a')\n"
     "rt.spawn_local(l.accept, l)\n"
     /* a label has at most 63 characters: a thread finds that out, and asks nobody */
     "local nobody = ('x'):rep(64)\n"
     "assert(not rt.tcp.connect(nobody, port))\n"
     "rt.spawn_local(rt.tcp.connect, nobody, port)\n"
     "rt.yield()"},
    {"one with a pool",
     "local ch, b = rt.channel(0), rt.barrier(3)\n"
     "for i = 1, 4 do rt.spawn(function(ch) ch:recv() end, ch) end\n"
     "for i = 1, 2 do rt.spawn(function(b) b:wait() end, b) end\n"
     "rt.spawn_blocking(function() return 1 end):join()\n"
     "b:wait()\n"
     "rt.spawn(function() while true do ('x'):rep(100000) end end)\n"
     "assert(rt.spawn(function(n) return n + 1 end, 1):join() == 2)\n"
     "local t = rt.spawn(error, 'expected', 0)\n"
     "t:cancel()\n" /* it may have failed before */
     "pcall(t.join, t)\n"
     "rt.metrics() rt.tasks()"},
};

static void run(const char *text) {
  lua_State *L = luaL_newstate();
  must("a state can be made", L != NULL);
  luaL_openlibs(L);
  luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
  lua_setglobal(L, "rt");
  if (luaL_dostring(L, text) != LUA_OK) {
    printf("# %s\n", lua_tostring(L, -1));
    check("a script runs to its end", false);
  }
  lua_close(L);
}

static int count_threads(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/task");
  if (d == NULL) return 1; /* not Linux */
  for (const struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

/* A thread that is no longer needed may take a moment to end. (An idle one ends by itself after
** 10 s.) */
static bool have_threads_ended(int before) {
  uint64_t until = rt_clock() + 6 * RT_SECOND;
  while (count_threads() > before && rt_clock() < until) rt_thread_sleep(RT_MILLISECOND);
  return count_threads() == before;
}

static void check_script(const char *title, const char *text) {
  enum { ROUNDS = 5 };
  char sentence[200];
  run(text); /* what is made once for the process is made now */
  have_threads_ended(1);
  int descriptors = count_descriptors(), threads = count_threads();
#if RT_DEBUG
  long blocks = rt_alloc_blocks();
#endif
  for (int i = 0; i < ROUNDS; i++) run(text);
  bool ended = have_threads_ended(threads);
  snprintf(sentence, sizeof sentence, "%s leaves no descriptor", title);
  check(sentence, count_descriptors() == descriptors);
  snprintf(sentence, sizeof sentence, "%s leaves no thread", title);
  check(sentence, ended);
#if RT_DEBUG
  snprintf(sentence, sizeof sentence, "%s leaves no memory", title);
  check(sentence, rt_alloc_blocks() == blocks);
#endif
}

int main(void) {
  check_begin(120);
  for (size_t i = 0; i < rt_countof(scripts); i++) check_script(scripts[i].title, scripts[i].text);
  return check_end();
}
