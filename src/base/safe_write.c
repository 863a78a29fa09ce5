#include "base/safe_write.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

/* SIGPIPE is blocked in this thread while it writes. If a write has raised SIGPIPE, the pending
** signal is consumed (sigwait) before SIGPIPE is unblocked. */
typedef struct sigpipe_block {
  sigset_t before;
  bool was_pending;
} sigpipe_block;

static bool is_sigpipe_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void block_sigpipe(sigpipe_block *b) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  b->was_pending = is_sigpipe_pending();
  pthread_sigmask(SIG_BLOCK, &pipe, &b->before);
}

static void unblock_sigpipe(const sigpipe_block *b) {
  sigset_t pipe;
  int sig;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  if (!b->was_pending && is_sigpipe_pending()) sigwait(&pipe, &sig);
  pthread_sigmask(SIG_SETMASK, &b->before, NULL);
}

int rt_safe_write_file(FILE *file, const char *bytes, size_t n) {
  sigpipe_block b;
  block_sigpipe(&b);
  errno = 0;
  bool ok = fwrite(bytes, 1, n, file) == n;
  ok = fflush(file) == 0 && ok;
  int err = ok ? 0 : errno ? -errno : -EIO;
  unblock_sigpipe(&b);
  return err;
}

int rt_safe_write(int fd, const char *bytes, size_t n) {
  sigpipe_block b;
  int err = 0;
  block_sigpipe(&b);
  while (n > 0 && err == 0) {
    ssize_t wrote = write(fd, bytes, n);
    if (wrote >= 0) {
      bytes += wrote;
      n -= (size_t)wrote;
    } else if (errno != EINTR) {
      err = -errno;
    }
  }
  unblock_sigpipe(&b);
  return err;
}

void rt_safe_write_flush(FILE *file) {
  if (ftrylockfile(file) != 0) return;
  fflush(file);
  funlockfile(file);
}

void rt_safe_write_flush_all(void) {
#ifdef __GLIBC__
  fcloseall(); /* this is what exit calls */
#else
  fflush(NULL);
#endif
}
