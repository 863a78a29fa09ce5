/* spec/programs/serve/accept_fails.c - with LD_PRELOAD: the first ACCEPT_TIMES calls of accept4
** fail with the errno ACCEPT_ERROR. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

int accept4(int fd, struct sockaddr *at, socklen_t *size, int flags) {
  static atomic_int calls;
  static int (*original)(int, struct sockaddr *, socklen_t *, int);
  if (original == NULL) *(void **)&original = dlsym(RTLD_NEXT, "accept4");
  if (atomic_fetch_add(&calls, 1) < atoi(getenv("ACCEPT_TIMES"))) {
    errno = atoi(getenv("ACCEPT_ERROR"));
    return -1;
  }
  return original(fd, at, size, flags);
}
