/* A clock that depends on the program alone, for bench/ir: built as a shared object, preloaded.
 *
 * The wall clock and the monotonic clock advance by 100 ns at each reading.  epoll_wait with a
 * timeout does not wait: if no event is ready, both clocks advance by the timeout.  So a program
 * with timers takes the same steps in each run, whatever else the machine does.  The wall clock
 * begins at a fixed time plus $STEADY_SEED seconds; Lua seeds its string hashes from time(). */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000u

static uint64_t now = 1000 * (uint64_t)SECOND, epoch = 1700000000;

__attribute__((constructor)) static void begin(void) {
  const char *seed = getenv("STEADY_SEED");
  if (seed) epoch += strtoul(seed, NULL, 10);
}

int clock_gettime(clockid_t which, struct timespec *t) {
  switch (which) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: break;
    default: return (int)syscall(SYS_clock_gettime, which, t); /* CPU time */
  }
  uint64_t ns = __atomic_add_fetch(&now, 100, __ATOMIC_RELAXED);
  int wall = which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE || which == CLOCK_TAI;
  t->tv_sec = (time_t)(ns / SECOND + (wall ? epoch : 0));
  t->tv_nsec = (long)(ns % SECOND);
  return 0;
}

time_t time(time_t *t) {
  time_t s = (time_t)(epoch + __atomic_load_n(&now, __ATOMIC_RELAXED) / SECOND);
  if (t) *t = s;
  return s;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec s;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &s);
  t->tv_sec = s.tv_sec;
  t->tv_usec = s.tv_nsec / 1000;
  return 0;
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout, const sigset_t *mask) {
  int n = (int)syscall(SYS_epoll_pwait, fd, events, max, timeout > 0 ? 0 : timeout, mask,
                       8 /* bytes of the kernel's sigset_t */);
  if (n == 0 && timeout > 0)
    __atomic_add_fetch(&now, (uint64_t)timeout * 1000000u, __ATOMIC_RELAXED);
  return n;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout) {
  return epoll_pwait(fd, events, max, timeout, NULL);
}
