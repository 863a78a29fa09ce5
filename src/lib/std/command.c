#include "lib/std/command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int open_command_pipe(int ends[2]) {
#ifdef __linux__
  return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
#else
  if (pipe(ends) != 0) return errno;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

/* 'fd' becomes descriptor 'as' of the child; -1: none does. */
static int start_shell(const char *command, int fd, int as, pid_t *pid) {
  char *argv[] = {"sh", "-c", (char *)command, NULL};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attr;
  sigset_t none;
  int err = posix_spawnattr_init(&attr);
  if (err != 0) return err;
  if ((err = posix_spawn_file_actions_init(&files)) != 0) goto no_files;
  if (fd >= 0 && (err = posix_spawn_file_actions_adddup2(&files, fd, as)) != 0) goto no_dup;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attr, &none);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
  err = posix_spawn(pid, "/bin/sh", &files, &attr, argv, environ);
no_dup:
  posix_spawn_file_actions_destroy(&files);
no_files:
  posix_spawnattr_destroy(&attr);
  return err;
}

int rt_command_start(const char *command, rt_command_pipe pipe, pid_t *pid, int *fd) {
  int ends[2], err;
  if (pipe == RT_COMMAND_NO_PIPE) return start_shell(command, -1, -1, pid);
  if ((err = open_command_pipe(ends)) != 0) return err;
  int theirs = pipe == RT_COMMAND_STDOUT; /* the end of the child */
  err = start_shell(command, ends[theirs], theirs ? STDOUT_FILENO : STDIN_FILENO, pid);
  close(ends[theirs]);
  *fd = ends[!theirs];
  if (err != 0) close(*fd);
  return err;
}

/* Counts what interrupts a call at the end of the program. */
static unsigned interrupts_of(const rt_worker *w) {
  return (unsigned)w->signals.interrupts + w->preempt.interrupts;
}

int rt_command_wait(const rt_worker *w, pid_t pid) {
  unsigned before = interrupts_of(w);
  int status;
  pid_t ended;
  do ended = waitpid(pid, &status, 0);
  while (ended < 0 && errno == EINTR && interrupts_of(w) == before);
  if (ended < 0) return -1;
  errno = 0;
  return status;
}
