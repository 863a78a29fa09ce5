#include "base/cpu_count.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>

static int affinity_count(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

/* The file has "200000 100000" or "max 100000": CPU time and period in us. 0: no limit. */
static double read_cgroup_quota(const char *path) {
  double quota = 0, period = 0;
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  if (fscanf(f, "%lf %lf", &quota, &period) != 2) quota = 0;
  fclose(f);
  return quota > 0 && period > 0 ? quota / period : 0;
}

static double read_cgroup_number(const char *path) {
  double n = 0;
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  if (fscanf(f, "%lf", &n) != 1) n = 0;
  fclose(f);
  return n;
}

/* A cgroup is limited by its own quota and by those of the groups that contain it. */
static double cgroup2_quota(void) {
  char line[1024], path[1200];
  double min = 0;
  FILE *f = fopen("/proc/self/cgroup", "re");
  if (f == NULL) return 0;
  while (fgets(line, sizeof line, f)) {
    char *group = strstr(line, "::");
    if (strncmp(line, "0::", 3) != 0 || group == NULL) continue;
    group += 2;
    group[strcspn(group, "\n")] = '\0';
    for (;;) {
      snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
      double n = read_cgroup_quota(path);
      if (n > 0 && (min == 0 || n < min)) min = n;
      char *slash = strrchr(group, '/');
      if (slash == NULL) break;
      *slash = '\0';
    }
  }
  fclose(f);
  return min;
}

static double cgroup1_quota(void) {
  double quota = read_cgroup_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  double period = read_cgroup_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return quota > 0 && period > 0 ? quota / period : 0;
}

static int quota_count(void) {
  double n = cgroup2_quota();
  if (n == 0) n = cgroup1_quota();
  return (int)ceil(n);
}

#else
static int affinity_count(void) { return 0; }
static int quota_count(void) { return 0; }
#endif

int rt_cpu_count(void) {
  int n = affinity_count(), quota = quota_count();
  if (n < 1) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (quota > 0 && quota < n) n = quota;
  return n < 1 ? 1 : n;
}
