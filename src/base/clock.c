/* base/clock.c - the monotonic clock; in debug builds a virtual one can take its place. */
#include "base/base.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t which) {
  struct timespec ts;
  clock_gettime(which, &ts);
  return (uint64_t)ts.tv_sec * RT_SECOND + (uint64_t)ts.tv_nsec;
}

#if RT_DEBUG
static struct {
  pthread_once_t once;
  bool is_virtual;
  rt_atomic(uint64_t) now;
} virtual_clock = {.once = PTHREAD_ONCE_INIT};

static void virtual_clock_init(void) {
  const char *which = getenv("RT_CLOCK");
  virtual_clock.is_virtual = which && strcmp(which, "virtual") == 0;
  if (which && *which && !virtual_clock.is_virtual)
    fprintf(stderr, "rt: RT_CLOCK=%s is not 'virtual', and has no effect\n", which);
  rt_store(&virtual_clock.now, RT_SECOND);
}

bool rt_clock_is_virtual(void) {
  pthread_once(&virtual_clock.once, virtual_clock_init);
  return virtual_clock.is_virtual;
}

void rt_clock_advance(uint64_t to) {
  uint64_t now = rt_load(&virtual_clock.now);
  while (to > now && !rt_cas(&virtual_clock.now, &now, to)) {}
}

uint64_t rt_clock_to_os(uint64_t clock) {
  if (!rt_clock_is_virtual()) return clock;
  return clock + read_clock(CLOCK_MONOTONIC) - rt_load(&virtual_clock.now);
}

#define virtual_now() rt_load(&virtual_clock.now)
#else
#define virtual_now() 0
#endif

uint64_t rt_clock(void) {
  return rt_clock_is_virtual() ? virtual_now() : read_clock(CLOCK_MONOTONIC);
}

uint64_t rt_clock_coarse(void) {
  if (rt_clock_is_virtual()) return virtual_now();
#ifdef CLOCK_MONOTONIC_COARSE
  return read_clock(CLOCK_MONOTONIC_COARSE);
#else
  return read_clock(CLOCK_MONOTONIC);
#endif
}

uint64_t rt_clock_thread(void) {
  return rt_clock_is_virtual() ? 0 : read_clock(CLOCK_THREAD_CPUTIME_ID);
}
