#include "base/cpu_count.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>

static int by_affinity(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

/* "200000 100000" (or "max 100000"): time per period, in microseconds */
static double quota_in(const char *path) {
  double quota = 0, period = 0;
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  if (fscanf(f, "%lf %lf", &quota, &period) != 2) quota = 0;
  fclose(f);
  return quota > 0 && period > 0 ? quota / period : 0;
}

static double number_in(const char *path) {
  double n = 0;
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  if (fscanf(f, "%lf", &n) != 1) n = 0;
  fclose(f);
  return n;
}

/* The group of this process and those around it: the least of their quotas counts. */
static double by_cgroup2(void) {
  char line[1024], path[1200];
  double least = 0;
  FILE *f = fopen("/proc/self/cgroup", "re");
  if (f == NULL) return 0;
  while (fgets(line, sizeof line, f)) {
    char *group = strstr(line, "::");
    if (strncmp(line, "0::", 3) != 0 || group == NULL) continue;
    group += 2;
    group[strcspn(group, "\n")] = '\0';
    for (;;) {
      snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
      double n = quota_in(path);
      if (n > 0 && (least == 0 || n < least)) least = n;
      char *slash = strrchr(group, '/');
      if (slash == NULL) break;
      *slash = '\0';
    }
  }
  fclose(f);
  return least;
}

static double by_cgroup1(void) {
  double quota = number_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  double period = number_in("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return quota > 0 && period > 0 ? quota / period : 0;
}

static int by_quota(void) {
  double n = by_cgroup2();
  if (n == 0) n = by_cgroup1();
  return (int)ceil(n);
}

#else
static int by_affinity(void) { return 0; }
static int by_quota(void) { return 0; }
#endif

int rt_cpu_count(void) {
  int n = by_affinity(), quota = by_quota();
  if (n < 1) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (quota > 0 && quota < n) n = quota;
  return n < 1 ? 1 : n;
}
