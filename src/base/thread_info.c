#include "base/thread_info.h"

#if defined(__linux__)

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void rt_thread_info_init(rt_thread_info *info) {
  clockid_t clock;
  info->available = pthread_getcpuclockid(pthread_self(), &clock) == 0;
  info->clock = (int)clock;
  info->thread = syscall(SYS_gettid);
}

uint64_t rt_thread_info_cpu(const rt_thread_info *info) {
  struct timespec ts;
  if (!info->available || clock_gettime((clockid_t)info->clock, &ts) != 0) return 0;
  return (uint64_t)ts.tv_sec * RT_SECOND + (uint64_t)ts.tv_nsec;
}

/* The file has "17 (name) S …". The name may contain parentheses. */
static char parse_state(const char *stat, size_t len) {
  while (len > 0 && stat[len - 1] != ')') len--;
  return len > 0 ? stat[len + 1] : '?';
}

/* Reads a file of the thread in /proc into 'text', which it ends with two zeros: a length, or 0. */
static size_t read_proc_file(const rt_thread_info *info, const char *name, char *text,
                             size_t size) {
  char path[64];
  if (!info->available) return 0;
  snprintf(path, sizeof path, "/proc/self/task/%ld/%s", info->thread, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t len = read(fd, text, size - 2);
  close(fd);
  if (len <= 0) return 0;
  text[len] = text[len + 1] = '\0';
  return (size_t)len;
}

rt_thread_state rt_thread_info_state(const rt_thread_info *info) {
  char stat[512];
  size_t len = read_proc_file(info, "stat", stat, sizeof stat);
  if (len == 0) return RT_THREAD_UNKNOWN;
  char state = parse_state(stat, len);
  return state == 'S' || state == 'D' ? RT_THREAD_BLOCKED : RT_THREAD_RUNS;
}

/* The file has "CPU time, delay, times that it was given a CPU". */
bool rt_thread_info_delay(const rt_thread_info *info, uint64_t *delay) {
  char text[128], *rest;
  if (read_proc_file(info, "schedstat", text, sizeof text) == 0) return false;
  strtoull(text, &rest, 10);
  *delay = strtoull(rest, NULL, 10);
  return true;
}

static bool is_socket(int fd) {
  char path[64], what[16] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return readlink(path, what, sizeof what - 1) < 0 || strncmp(what, "socket:", 7) == 0;
}

bool rt_thread_info_restarts_syscall(const rt_thread_info *info) {
  char call[256], *rest;
  if (read_proc_file(info, "syscall", call, sizeof call) == 0 || *call < '0' || *call > '9')
    return false;
  long number = strtol(call, &rest, 10);
  if (number == SYS_read || number == SYS_write) return !is_socket((int)strtol(rest, NULL, 16));
  return number == SYS_wait4 || number == SYS_waitid || number == SYS_flock ||
         number == SYS_fsync || number == SYS_openat;
}

#else

void rt_thread_info_init(rt_thread_info *info) { *info = (rt_thread_info){0}; }
uint64_t rt_thread_info_cpu(const rt_thread_info *info) { return (void)info, 0; }
rt_thread_state rt_thread_info_state(const rt_thread_info *info) {
  return (void)info, RT_THREAD_UNKNOWN;
}
bool rt_thread_info_restarts_syscall(const rt_thread_info *info) { return (void)info, false; }
bool rt_thread_info_delay(const rt_thread_info *info, uint64_t *delay) {
  return (void)info, (void)delay, false;
}

#endif
