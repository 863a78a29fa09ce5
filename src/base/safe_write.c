#include "base/safe_write.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

/* SIGPIPE stays away from this thread meanwhile; one that came is thrown away. */
typedef struct deafness {
  sigset_t before;
  bool was_pending;
} deafness;

static bool is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void close_ears(deafness *d) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  d->was_pending = is_pending();
  pthread_sigmask(SIG_BLOCK, &pipe, &d->before);
}

static void open_ears(const deafness *d) {
  sigset_t pipe;
  int sig;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  if (!d->was_pending && is_pending()) sigwait(&pipe, &sig);
  pthread_sigmask(SIG_SETMASK, &d->before, NULL);
}

int rt_safe_write(FILE *file, const char *bytes, size_t n) {
  deafness d;
  close_ears(&d);
  errno = 0;
  bool ok = fwrite(bytes, 1, n, file) == n;
  ok = fflush(file) == 0 && ok;
  int err = ok ? 0 : errno ? -errno : -EIO;
  open_ears(&d);
  return err;
}

int rt_safe_fwrite(int fd, const char *bytes, size_t n) {
  deafness d;
  int err = 0;
  close_ears(&d);
  while (n > 0 && err == 0) {
    ssize_t wrote = write(fd, bytes, n);
    if (wrote >= 0) {
      bytes += wrote;
      n -= (size_t)wrote;
    } else if (errno != EINTR) {
      err = -errno;
    }
  }
  open_ears(&d);
  return err;
}
