#include "repl.h"

#include "turn.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE = 512 };

/* --- waiting for a line ----------------------------------------------------------------------- */
/* A terminal cannot be made non-blocking without doing that to everybody who has it open;
** so a thread of the crew looks whether there is something to read. */
typedef struct look {
  rt_chore chore;
  rt_post post;
  rt_worker *worker;
  rt_list waiter;
  bool seen;
} look;

static void look_at_stdin(rt_chore *chore) {
  struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
  (void)chore;
  while (poll(&p, 1, -1) < 0 && errno == EINTR) {}
}

static void looked(rt_chore *chore, bool wanted) {
  look *l = rt_containerof(chore, look, chore);
  if (wanted)
    rt_mailbox_post(&l->worker->driver.mailbox, &l->post);
  else
    rt_free(l);
}

static void deliver(rt_post *post, void *driver) {
  look *l = rt_containerof(post, look, post);
  rt_list *waiter = rt_list_first(&l->waiter);
  l->seen = true;
  if (l->chore.dropped)
    rt_free(l);
  else if (waiter)
    rt_driver_wake(driver, rt_containerof(waiter, rt_task, link), RT_FIRED);
}

/* Runs tasks until there is input, or until Ctrl-C. */
static void wait_for_input(lua_State *L, rt_worker *w) {
  look *l = rt_calloc(sizeof *l);
  if (l == NULL) return; /* then we block */
  l->worker = w;
  l->chore.work = look_at_stdin;
  l->chore.done = looked;
  l->post.deliver = deliver;
  rt_list_init(&l->chore.link);
  rt_list_init(&l->waiter);
  if (w->crew == NULL || rt_crew_submit(w->crew, &l->chore) != 0) {
    rt_free(l);
    return;
  }
  rt_task_park(w->main, RT_OP_STDIN, NULL, &l->waiter);
  rt_turn_drive(w, L);
  if (l->seen || rt_crew_drop(w->crew, &l->chore) == RT_CHORE_QUEUED) rt_free(l);
}

static bool read_line(lua_State *L, rt_shell *sh, const char *prompt) {
  char line[LINE];
  rt_worker *w = sh->worker;
  luaL_Buffer b;
  fputs(prompt, stdout);
  fflush(stdout);
  wait_for_input(L, w);
  if (w->interrupted) return false;
  luaL_buffinit(L, &b);
  do {
    if (fgets(line, sizeof line, stdin) == NULL) break;
    luaL_addstring(&b, line);
  } while (strchr(line, '\n') == NULL);
  luaL_pushresult(&b);
  if (lua_rawlen(L, -1) > 0) return true;
  lua_pop(L, 1);
  return false;
}

/* --- evaluating ---------------------------------------------------------------------------------- */
static bool is_incomplete(lua_State *L, int status) {
  if (status != LUA_ERRSYNTAX) return false;
  size_t len;
  const char *message = lua_tolstring(L, -1, &len);
  return len >= 5 && strcmp(message + len - 5, "<eof>") == 0;
}

/* Stack: the line -> the function, or an error */
static int load_expression(lua_State *L) {
  lua_pushfstring(L, "return %s", lua_tostring(L, -1));
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  int status = luaL_loadbuffer(L, text, len, "=stdin");
  lua_remove(L, -2);
  if (status == LUA_OK)
    lua_remove(L, -2);
  else
    lua_pop(L, 1);
  return status;
}

static int load_statement(lua_State *L, rt_shell *sh) {
  for (;;) {
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    int status = luaL_loadbuffer(L, text, len, "=stdin");
    if (!is_incomplete(L, status)) {
      lua_remove(L, -2);
      return status;
    }
    lua_pop(L, 1);
    if (!read_line(L, sh, ">> ")) { /* the input has ended: say what is wrong with it */
      status = luaL_loadbuffer(L, text, len, "=stdin");
      lua_remove(L, -2);
      return status;
    }
    lua_concat(L, 2);
  }
}

static void print_results(lua_State *L, rt_shell *sh) {
  int n = lua_gettop(L);
  if (n == 0) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (sh->call(sh, L, n, 0) != LUA_OK) sh->report(sh, L);
}

void rtL_repl(lua_State *L, rt_shell *sh) {
  lua_settop(L, 0);
  while (read_line(L, sh, "> ")) {
    int status = load_expression(L);
    if (status != LUA_OK) status = load_statement(L, sh);
    if (status == LUA_OK) status = sh->call(sh, L, 0, LUA_MULTRET);
    if (status == LUA_OK)
      print_results(L, sh);
    else
      sh->report(sh, L);
    lua_settop(L, 0);
  }
  fputc('\n', stdout);
  fflush(stdout);
}
