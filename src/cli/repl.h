/* cli/repl.h - rt-lua's interactive mode: tasks go on running while the prompt waits. */
#ifndef RT_CLI_REPL_H
#define RT_CLI_REPL_H

#include "worker/worker.h"

typedef struct rt_shell {
  rt_worker *worker;
  const char *program; /* before messages; NULL: nothing, as at the prompt */
  int (*call)(struct rt_shell *, lua_State *, int args, int results); /* with a traceback */
  void (*report)(struct rt_shell *, lua_State *);                     /* the error on top */
} rt_shell;

/* To be called before anything is read from stdin. */
void rt_repl_prepare(void);

/* Reads, evaluates and prints until the input ends. */
void rtL_repl(lua_State *L, rt_shell *sh);

#endif
