#include "cli/repl.h"

#include "event/thread_pool.h"
#include "run/deadlock.h"
#include "run/loop.h"
#include "run/signals.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* --- waiting for a line ----------------------------------------------------------------------- */
/* To make a terminal non-blocking would change it for every process that has it open. So a thread
** of the thread pool polls it. */
typedef struct stdin_poll {
  rt_work_item item;
  rt_post post;
  rt_worker *worker;
  rt_list parked;
  bool seen;
} stdin_poll;

static void poll_stdin(rt_work_item *item) {
  struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
  (void)item;
  while (poll(&p, 1, -1) < 0 && errno == EINTR) {}
}

static void stdin_polled(rt_work_item *item, bool wanted) {
  stdin_poll *p = rt_containerof(item, stdin_poll, item);
  if (wanted)
    rt_mailbox_post(&p->worker->driver.mailbox, &p->post);
  else
    rt_free(p);
}

static void on_poll_post(rt_post *post, void *driver) {
  stdin_poll *p = rt_containerof(post, stdin_poll, post);
  rt_list *parked = rt_list_first(&p->parked);
  p->seen = true;
  if (p->item.dropped)
    rt_free(p);
  else if (parked)
    rt_driver_wake(driver, rt_containerof(parked, rt_task, link), RT_FIRED);
}

/* Runs tasks until there is input, or until Ctrl-C. This is no operation of lib/operation.h: it is
** called from C, outside of Lua functions, and returns when it was called off instead of
** raising. */
static void wait_for_input(lua_State *L, rt_worker *w) {
  stdin_poll *p = rt_calloc(sizeof *p);
  if (p == NULL) return; /* then getc blocks */
  p->worker = w;
  p->item.work = poll_stdin;
  p->item.on_done = stdin_polled;
  p->post.deliver = on_poll_post;
  rt_list_init(&p->item.link);
  rt_list_init(&p->parked);
  rt_thread_pool *thread_pool = rt_worker_thread_pool(w);
  if (thread_pool == NULL || rt_thread_pool_submit(thread_pool, &p->item) != 0) {
    rt_free(p);
    return;
  }
  rt_task_park(w->main, RT_OP_STDIN, NULL, &p->parked);
  rtL_loop_drive(w, L);
  if (p->seen || rt_thread_pool_drop(thread_pool, &p->item) == RT_WORK_ITEM_QUEUED) rt_free(p);
}

static bool is_input_there(void) {
  struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&p, 1, 0) != 0;
}

/* Reads one byte at a time: poll does not see bytes in the buffer of stdio. */
static int next_byte(lua_State *L, rt_worker *w) {
  if (!w->shutdown.deadline && !is_input_there()) wait_for_input(L, w);
  return w->signals.interrupted || w->shutdown.deadline ? EOF : getc(stdin);
}

/* Pushes a line without its end. False: there are no more. */
static bool read_line(lua_State *L, rt_worker *w) {
  luaL_Buffer b;
  int c = next_byte(L, w);
  if (c == EOF) return false;
  luaL_buffinit(L, &b);
  for (; c != EOF && c != '\n'; c = next_byte(L, w)) luaL_addchar(&b, (char)c);
  luaL_pushresult(&b);
  return true;
}

static void show_prompt(lua_State *L, const char *global, const char *otherwise) {
  if (lua_getglobal(L, global) != LUA_TNIL) otherwise = luaL_tolstring(L, -1, NULL);
  fputs(otherwise, stdout);
  fflush(stdout);
}

static bool ask(lua_State *L, rt_shell *sh, const char *global, const char *otherwise) {
  int height = lua_gettop(L);
  show_prompt(L, global, otherwise);
  lua_settop(L, height);
  return read_line(L, sh->worker);
}

/* --- evaluating ------------------------------------------------------------------------------- */
static bool is_incomplete(lua_State *L, int status) {
  if (status != LUA_ERRSYNTAX) return false;
  size_t len;
  const char *message = lua_tolstring(L, -1, &len);
  return len >= 5 && strcmp(message + len - 5, "<eof>") == 0;
}

/* Stack: line -> line, function or error */
static int load_expression(lua_State *L) {
  size_t len;
  const char *line = lua_tostring(L, 1);
  const char *text = lua_pushfstring(L, "return %s", *line == '=' ? line + 1 : line);
  lua_tolstring(L, -1, &len);
  int status = luaL_loadbuffer(L, text, len, "=stdin");
  lua_remove(L, -2);
  if (status != LUA_OK) lua_pop(L, 1);
  return status;
}

/* The same; reads more lines while the statement is incomplete. */
static int load_statement(lua_State *L, rt_shell *sh) {
  for (;;) {
    size_t len;
    const char *text = lua_tolstring(L, 1, &len);
    int status = luaL_loadbuffer(L, text, len, "=stdin");
    if (!is_incomplete(L, status) || !ask(L, sh, "_PROMPT2", ">> ")) return status;
    lua_remove(L, 2);
    lua_pushliteral(L, "\n");
    lua_insert(L, 2);
    lua_concat(L, 3);
  }
}

static int load_input(lua_State *L, rt_shell *sh) {
  int status = load_expression(L);
  if (status != LUA_OK) status = load_statement(L, sh);
  lua_remove(L, 1);
  return status;
}

static void print_results(lua_State *L, rt_shell *sh) {
  int n = lua_gettop(L);
  if (n == 0) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (lua_pcall(L, n, 0, 0) != LUA_OK) {
    lua_pushfstring(L, "error calling 'print' (%s)", lua_tostring(L, -1));
    sh->report(sh, L);
  }
}

/* Ctrl-C, or a deadlock, has ended a statement, and not the session. */
static void reset_errors(rt_worker *w) {
  rt_deadlock_forgive(w);
  if (w->signals.interrupted != SIGINT) return;
  rt_task_uncancel(w->main);
  rt_signals_forgive(w);
}

void rt_repl_prepare(void) { setvbuf(stdin, NULL, _IONBF, 0); }

void rtL_repl(lua_State *L, rt_shell *sh) {
  const char *program = sh->program;
  sh->program = NULL;
  lua_settop(L, 0);
  rt_signals_set_prompting(sh->worker, true);
  while (ask(L, sh, "_PROMPT", "> ")) {
    int status = load_input(L, sh);
    if (status == LUA_OK) status = sh->call(sh, L, 0, LUA_MULTRET);
    if (status == LUA_OK)
      print_results(L, sh);
    else if (!sh->worker->shutdown.ended_main)
      sh->report(sh, L);
    reset_errors(sh->worker);
    lua_settop(L, 0);
  }
  rt_signals_set_prompting(sh->worker, false);
  fputc('\n', stdout);
  fflush(stdout);
  sh->program = program;
}
