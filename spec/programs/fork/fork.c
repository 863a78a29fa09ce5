/* spec/programs/fork/fork.c - functions for package.loadlib: fork and waitpid. */
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct lua_State lua_State;
long long luaL_checkinteger(lua_State *L, int arg);
void lua_pushinteger(lua_State *L, long long n);

int spec_fork(lua_State *L);
int spec_wait(lua_State *L);

enum { LONGEST = 30 }; /* seconds: a child that hangs is ended by SIGALRM */

int spec_fork(lua_State *L) {
  pid_t pid = fork();
  if (pid == 0) alarm(LONGEST);
  lua_pushinteger(L, pid);
  return 1;
}

/* code = wait(pid): the exit code; the signal, negated */
int spec_wait(lua_State *L) {
  int status = 0;
  waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return 1;
}
