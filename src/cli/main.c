/* cli/main.c - rt-lua: does what lua does, with rt loaded. */
#include "cli/options.h"
#include "cli/repl.h"
#include "host/luaopen.h"
#include "host/own_files.h"
#include "host/require.h"
#include "run/shutdown.h"
#include "run/signals.h"
#include "run/stop.h"
#include "worker/error_text.h"
#include "worker/lua_state.h"
#include "worker/traceback.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct host {
  rt_shell shell;
  rt_options options;
  int argc;
  char **argv;
  bool ok;
} host;

/* --- errors ----------------------------------------------------------------------------------- */
/* The message handler, as that of lua.c, but a table is shown by its fields, and an error that came
** out of a task brings its own traceback. (There is no worker before rt is open, and after it was
** closed.) */
static int message_handler(lua_State *L) {
  rt_worker *w = rt_worker_find(L);
  bool with_traceback = true;
  if (w) rt_shutdown_note_error(w, rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, 1) != NULL);
  lua_settop(L, 1);
  if (lua_isstring(L, 1)) {
    lua_pushvalue(L, 1);
  } else if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) {
    with_traceback = false;
  } else if (lua_settop(L, 1), rtL_error_text_has_fields(L, 1)) {
    rtL_error_text_push_fields(L, 1);
  } else {
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  if (w == NULL || !rt_traceback_find(L, w, 1)) {
    if (with_traceback) luaL_traceback(L, L, lua_tostring(L, 2), 1);
    return 1;
  }
  if (with_traceback) rtL_traceback_where(L, w, 1, 1);
  lua_pushfstring(L, "%s\n%s", lua_tostring(L, 2), lua_tostring(L, -1));
  return 1;
}

static int protected_call(rt_shell *sh, lua_State *L, int args, int results) {
  int base = lua_gettop(L) - args;
  (void)sh;
  lua_pushcfunction(L, message_handler);
  lua_insert(L, base);
  int status = lua_pcall(L, args, results, base);
  lua_remove(L, base);
  return status;
}

static void report_error(rt_shell *sh, lua_State *L) {
  const char *message = lua_tostring(L, -1);
  if (sh->program) fprintf(stderr, "%s: ", sh->program);
  fprintf(stderr, "%s\n", message ? message : "(no message)");
  fflush(stderr);
  lua_pop(L, 1);
}

/* Stack: function -> nothing. False: it failed, and the error was reported. */
static bool run_chunk(host *h, lua_State *L, int status, int args) {
  if (status == LUA_OK) status = protected_call(&h->shell, L, args, 0);
  if (status != LUA_OK && h->shell.worker && h->shell.worker->shutdown.ended_main)
    lua_pop(L, 1); /* rt.shutdown has ended the main chunk: no error */
  else if (status != LUA_OK)
    report_error(&h->shell, L);
  return status == LUA_OK;
}

static bool run_text(host *h, lua_State *L, const char *text, const char *name) {
  return run_chunk(h, L, luaL_loadbuffer(L, text, strlen(text), name), 0);
}

/* --- paths ------------------------------------------------------------------------------------ */
static bool is_readable(lua_State *L, const char *form, const char *dir) {
  bool found = access(lua_pushfstring(L, form, dir), R_OK) == 0;
  lua_pop(L, 1);
  return found;
}

/* Adds a template where the default path stands: what LUA_PATH names before ";;" is found first. A
** path without the defaults is left alone, as lua leaves it. */
static void add_path(lua_State *L, const char *field, const char *defaults, const char *more) {
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, field);
  const char *old = lua_tostring(L, -1), *tail = strstr(old, defaults);
  if (tail != NULL) {
    lua_pushlstring(L, old, (size_t)(tail - old));
    lua_pushfstring(L, "%s;%s", more, tail);
    lua_concat(L, 2);
    lua_setfield(L, -3, field);
  }
  lua_pop(L, 2);
}

/* 'lua' is the folder of the Lua files, 'c' that of rt/core.so. */
static void add_paths(lua_State *L, rt_worker *w, const char *lua, const char *c) {
  add_path(L, "path", LUA_PATH_DEFAULT, luaL_gsub(L, "@/?.lua;@/?/init.lua", "@", lua));
  add_path(L, "cpath", LUA_CPATH_DEFAULT, luaL_gsub(L, "@/?.so", "@", c));
  lua_pop(L, 2);
  lua_pushstring(L, lua);
  rtL_own_files_open(L, w);
}

static bool cut_last_name(char *path) {
  char *slash = strrchr(path, '/');
  if (slash) *slash = '\0';
  return slash != NULL;
}

/* The files of rt are found without a setting: beside this program, if it was built and not
** installed; in ../share/lua and ../lib/lua, if it was installed. */
static void add_own_paths(lua_State *L, rt_worker *w) {
  char dir[4096];
  size_t size = sizeof dir;
  if (uv_exepath(dir, &size) != 0 || !cut_last_name(dir)) return;
  if (is_readable(L, "%s/rt/init.lua", dir)) {
    add_paths(L, w, dir, dir);
  } else if (cut_last_name(dir) && is_readable(L, "%s/share/lua/" LUA_VDIR "/rt/init.lua", dir)) {
    add_paths(L, w, lua_pushfstring(L, "%s/share/lua/" LUA_VDIR, dir),
              lua_pushfstring(L, "%s/lib/lua/" LUA_VDIR, dir));
    lua_pop(L, 2);
  }
}

/* --- the steps of a run ----------------------------------------------------------------------- */
static void set_arg(lua_State *L, const host *h) {
  int script = h->options.script < h->argc ? h->options.script : 0;
  lua_createtable(L, h->argc - script - 1, script + 1);
  for (int i = 0; i < h->argc; i++) {
    lua_pushstring(L, h->argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static void open_main_state(lua_State *L, host *h) {
  if (h->options.ignore_environment) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  luaL_openlibs(L);
  set_arg(L, h);
  lua_gc(L, LUA_GCGEN, 0, 0); /* as lua.c; workers: see host/worker_main.c */
  luaL_requiref(L, "rt.core", luaopen_rt_core, 0);
  lua_pop(L, 1);
  rt_worker *w = rt_worker_find(L);
  w->in_rt_lua = true;
  rt_signals_own(w);
  rtL_require_open(L);
  add_own_paths(L, w);
  if (h->options.workers > 0) {
    if ((w->worker_config = rt_worker_config_new()) == NULL) rtL_error_no_memory(L);
    w->worker_config->slots[RT_POOL_TASKS] = h->options.workers;
  }
  h->shell.worker = w;
}

static bool run_init(host *h, lua_State *L) {
  static const char *const names[] = {"LUA_INIT" LUA_VERSUFFIX, "LUA_INIT"};
  for (size_t i = 0; i < rt_countof(names) && !h->options.ignore_environment; i++) {
    const char *init = getenv(names[i]);
    if (init == NULL) continue;
    if (*init == '@') return run_chunk(h, L, luaL_loadfile(L, init + 1), 0);
    return run_text(h, L, init, lua_pushfstring(L, "=%s", names[i]));
  }
  return true;
}

/* -l mod, -l g=mod */
static bool run_library(host *h, lua_State *L, const char *what) {
  const char *equals = strchr(what, '='), *module = equals ? equals + 1 : what;
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  if (protected_call(&h->shell, L, 1, 1) != LUA_OK) {
    report_error(&h->shell, L);
    return false;
  }
  lua_pushlstring(L, what, equals ? (size_t)(equals - what) : strlen(what));
  lua_insert(L, -2);
  lua_pushglobaltable(L);
  lua_insert(L, -3);
  lua_settable(L, -3);
  lua_pop(L, 1);
  return true;
}

static bool run_options(host *h, lua_State *L) {
  for (int i = 1; i < h->options.script && i < h->argc; i++) {
    const char *arg = h->argv[i];
    if (strcmp(arg, "--workers") == 0) {
      i++;
      continue;
    }
    if (arg[1] == 'W') lua_warning(L, "@on", 0);
    if (arg[1] != 'e' && arg[1] != 'l') continue;
    const char *extra = arg[2] ? arg + 2 : h->argv[++i];
    bool ok = arg[1] == 'e' ? run_text(h, L, extra, "=(command line)") : run_library(h, L, extra);
    if (!ok) return false;
  }
  return true;
}

static int push_script_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
  int table = lua_gettop(L), n = (int)luaL_len(L, table);
  luaL_checkstack(L, n + 3, "too many arguments to script");
  for (int i = 1; i <= n; i++) lua_rawgeti(L, table, i);
  lua_remove(L, table);
  return n;
}

static bool run_script(host *h, lua_State *L, const char *name) {
  int status = luaL_loadfile(L, name);
  return run_chunk(h, L, status, status == LUA_OK ? push_script_arguments(L) : 0);
}

static bool run_named(host *h, lua_State *L) {
  const char *name = h->argv[h->options.script];
  bool is_stdin = strcmp(name, "-") == 0 && strcmp(h->argv[h->options.script - 1], "--") != 0;
  return run_script(h, L, is_stdin ? NULL : name);
}

/* Are there neither a script nor options that replace it? Then the script comes from stdin. */
static bool is_bare(const host *h) {
  const rt_options *o = &h->options;
  return o->script >= h->argc && !o->has_statements && !o->version;
}

static bool will_prompt(const host *h) {
  return h->options.interactive || (is_bare(h) && isatty(STDIN_FILENO));
}

static bool run_rest(host *h, lua_State *L) {
  if (h->options.script < h->argc && !run_named(h, L)) return false;
  if (!will_prompt(h)) return !is_bare(h) || run_chunk(h, L, luaL_loadfile(L, NULL), 0);
  if (!h->options.version) printf("%s\nrt %s\n", LUA_COPYRIGHT, RT_VERSION);
  rtL_repl(L, &h->shell);
  return true;
}

/* --- the run ---------------------------------------------------------------------------------- */
static int protected_main(lua_State *L) {
  host *h = lua_touserdata(L, 1);
  luaL_checkversion(L);
  open_main_state(L, h);
  if (h->options.version) puts(LUA_COPYRIGHT); /* exactly this text: other programs parse it */
  h->ok = run_init(h, L) && run_options(h, L) && run_rest(h, L);
  return 0;
}

static int stop_runtime(lua_State *L) {
  host *h = lua_touserdata(L, 1);
  rtL_stop(L, h->shell.worker);
  return 0;
}

static int run_host(host *h, lua_State *L) {
  lua_pushcfunction(L, protected_main);
  lua_pushlightuserdata(L, h);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) report_error(&h->shell, L);
  rt_worker *w = h->shell.worker;
  if (w == NULL) return EXIT_FAILURE;
  lua_pushcfunction(L, stop_runtime);
  lua_pushlightuserdata(L, h);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) report_error(&h->shell, L);
  if (w->exit.requested) return w->exit.code;
  if (w->signals.interrupted) {
    rt_signals_die_at_exit(w);
    return 128 + w->signals.interrupted; /* (not seen: the signal ends the process) */
  }
  return (h->ok || w->shutdown.ended_main) && !w->exit.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  host h = {.shell = {.program = argc > 0 && argv[0][0] ? argv[0] : "rt-lua",
                      .call = protected_call,
                      .report = report_error},
            .argc = argc,
            .argv = argv};
  if (rt_options_answer(argc, argv)) return EXIT_SUCCESS;
  rt_options_parse(&h.options, argc, argv);
  if (h.options.wrong) {
    rt_options_usage(h.shell.program, &h.options);
    return EXIT_FAILURE;
  }
  if (will_prompt(&h)) rt_repl_prepare();
  lua_State *L = rt_lua_state_new();
  if (L == NULL) {
    fprintf(stderr, "%s: cannot create state: not enough memory\n", h.shell.program);
    return EXIT_FAILURE;
  }
  int code = run_host(&h, L);
  rt_lua_state_close(L);
  return code;
}
