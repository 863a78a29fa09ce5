/* lib/std/command.h - child processes that run a command of the shell: os.execute and io.popen.
**
** A child gets an empty signal mask: threads of the pool block the signals of the process, and a
** child would inherit that, so that nothing but SIGKILL could end it.
*/
#ifndef RT_LIB_STD_COMMAND_H
#define RT_LIB_STD_COMMAND_H

#include "worker/worker.h"

#include <sys/types.h>

/* Where the other end of the pipe is. */
typedef enum rt_command_pipe {
  RT_COMMAND_NO_PIPE,
  RT_COMMAND_STDIN,
  RT_COMMAND_STDOUT
} rt_command_pipe;

/* Starts the command. *fd: this end of the pipe, if there is one. 0 or an errno. */
int rt_command_start(const char *command, rt_command_pipe pipe, pid_t *pid, int *fd);

/* Waits for its end. Returns the wait status, and sets errno to 0, which luaL_execresult checks; or
** -1, and errno says why: EINTR if the program ends, and its cleanup does not wait for the
** command. Worker's thread. */
int rt_command_wait(const rt_worker *w, pid_t pid);

#endif
