/* spec/programs/preempt/jumping_clock.c - for LD_PRELOAD: between any two readings of the monotonic
** clock 20 ms have passed, as if the thread had lost its CPU there. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { JUMP = 20000000, SECOND = 1000000000 };

int clock_gettime(clockid_t which, struct timespec *ts) {
  static atomic_long readings;
  if (syscall(SYS_clock_gettime, which, ts) != 0) return -1;
  if (which != CLOCK_MONOTONIC) return 0;
  long passed = ts->tv_nsec + (atomic_fetch_add(&readings, 1) + 1) * JUMP;
  ts->tv_sec += passed / SECOND;
  ts->tv_nsec = passed % SECOND;
  return 0;
}
