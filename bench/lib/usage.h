/* What the process has used so far, for the C programs of several benchmarks. */
#include <stdio.h>
#include <sys/resource.h>

/* CPU time of all threads, in seconds. */
static inline double cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* The resident size, in bytes. */
static inline long rss(void) {
  long a, b = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (fscanf(f, "%ld %ld", &a, &b) != 2) b = 0;
  fclose(f);
  return b * 4096;
}
