/* cli/repl.h - rt-lua's interactive mode: tasks run while the prompt waits for a line. */
#ifndef RT_CLI_REPL_H
#define RT_CLI_REPL_H

#include "worker/worker.h"

typedef struct rt_shell {
  rt_worker *worker;
  const char *program; /* printed before an error message; NULL: nothing is */
  int (*call)(struct rt_shell *, lua_State *, int args,
              int results);                       /* a protected call, as lua_pcall */
  void (*report)(struct rt_shell *, lua_State *); /* prints the error on top, and pops it */
} rt_shell;

/* Called before anything is read from stdin. */
void rt_repl_prepare(void);

/* Reads, evaluates and prints until the input ends. */
void rtL_repl(lua_State *L, rt_shell *sh);

#endif
