/* lib/std/io.c - io.popen.
**
** Lua's own flushes all files of the process before it starts the command. That waits for every
** thread which is blocked in a file (it reads stdin, or the output of another command), and while
** it waits no thread can open or close one. So once there are pools, only stdout and stderr are
** flushed, and neither if another thread is using it.
*/
#include "base/safe_write.h"
#include "lib/lib.h"
#include "lib/std/command.h"

#include <stdio.h>
#include <unistd.h>

/* A file of Lua's io library, as luaL_Stream is its first field. Its user value keeps the worker
** alive. */
typedef struct command_file {
  luaL_Stream file;
  pid_t pid;
  rt_worker *worker;
} command_file;

/* f:close(), or the finalizer: true | nil, "exit" or "signal", code */
static int close_command(lua_State *L) {
  command_file *c = lua_touserdata(L, 1);
  fclose(c->file.f);
  errno = 0;
  return luaL_execresult(L, rt_command_wait(c->worker, c->pid));
}

static void flush_files(const rt_worker *w) {
  if (w->slot == NULL && w->runtime == NULL) {
    fflush(NULL);
  } else {
    rt_safe_write_flush(stdout);
    rt_safe_write_flush(stderr);
  }
}

/* Returns 0 or an errno. */
static int start(rt_worker *w, command_file *c, const char *command, bool reads) {
  int fd,
      err = rt_command_start(command, reads ? RT_COMMAND_STDOUT : RT_COMMAND_STDIN, &c->pid, &fd);
  if (err != 0) return err;
  c->file.f = fdopen(fd, reads ? "r" : "w");
  if (c->file.f != NULL) return 0;
  err = errno;
  close(fd);
  rt_command_wait(w, c->pid);
  return err;
}

/* file | nil, message, errno = io.popen(command [, mode]) */
static int io_popen(lua_State *L) {
  rt_worker *w = rt_self(L);
  const char *command = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r");
  luaL_argcheck(L, (*mode == 'r' || *mode == 'w') && mode[1] == '\0', 2, "invalid mode");
  command_file *c = lua_newuserdatauv(L, sizeof *c, 1);
  c->file.closef = NULL; /* it counts as closed */
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_setiuservalue(L, -2, 1);
  c->worker = w;
  luaL_setmetatable(L, LUA_FILEHANDLE);
  flush_files(w);
  int err = start(w, c, command, *mode == 'r');
  if (err != 0) {
    errno = err;
    return luaL_fileresult(L, 0, command);
  }
  c->file.closef = close_command;
  return 1;
}

void rtL_open_io(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"popen", io_popen}, {NULL, NULL}};
  lua_getfield(L, -1, "popen");
  bool has = lua_iscfunction(L, -1); /* (else the program has removed or replaced it) */
  lua_pop(L, 1);
  if (has) rtL_set_functions(L, w, functions);
}
