#include "pulse.h"

#if defined(__linux__)

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void rt_pulse_take(rt_pulse *p) {
  clockid_t clock;
  p->known = pthread_getcpuclockid(pthread_self(), &clock) == 0;
  p->clock = (int)clock;
  p->thread = syscall(SYS_gettid);
}

uint64_t rt_pulse_cpu(const rt_pulse *p) {
  struct timespec t;
  if (!p->known || clock_gettime((clockid_t)p->clock, &t) != 0) return 0;
  return (uint64_t)t.tv_sec * RT_SECOND + (uint64_t)t.tv_nsec;
}

/* "17 (a name) S …": the name may have brackets of its own */
static char state_of(const char *stat, ssize_t len) {
  while (len > 0 && stat[len - 1] != ')') len--;
  return len > 0 ? stat[len + 1] : '?';
}

bool rt_pulse_blocked(const rt_pulse *p) {
  char path[64], stat[512];
  if (!p->known) return false;
  snprintf(path, sizeof path, "/proc/self/task/%ld/stat", p->thread);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t len = read(fd, stat, sizeof stat - 2);
  close(fd);
  if (len <= 0) return false;
  stat[len] = '\0';
  char state = state_of(stat, len);
  return state == 'S' || state == 'D';
}

#else

void rt_pulse_take(rt_pulse *p) { *p = (rt_pulse){0}; }
uint64_t rt_pulse_cpu(const rt_pulse *p) { return (void)p, 0; }
bool rt_pulse_blocked(const rt_pulse *p) { return (void)p, false; }

#endif
