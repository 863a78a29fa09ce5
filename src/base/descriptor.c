#include "base/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 16 };

static int open_pipe(int fds[2]) {
#ifdef __linux__
  return pipe2(fds, O_CLOEXEC) == 0 ? 0 : -errno;
#else
  if (pipe(fds) != 0) return -errno;
  fcntl(fds[0], F_SETFD, FD_CLOEXEC);
  fcntl(fds[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

/* Opens as many, and closes them. (A copy of a descriptor would need no entry in the system's table
** of open files, which may be full, too.) */
int rt_descriptor_find(int n) {
  int fds[DESCRIPTORS_MAX], opened = 0, err = 0;
  rt_assert(n <= DESCRIPTORS_MAX);
  while (err == 0 && n - opened >= 2)
    if ((err = open_pipe(fds + opened)) == 0) opened += 2;
  if (err == 0 && opened < n) {
    fds[opened] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fds[opened] >= 0)
      opened++;
    else if (errno == EMFILE || errno == ENFILE)
      err = -errno; /* (a program in a chroot may have no /dev/null) */
  }
  while (opened > 0) close(fds[--opened]);
  return err;
}

void rt_descriptor_close(int fd) { close(fd); }
