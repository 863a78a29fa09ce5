#include "base/trace.h"

#if RT_DEBUG

#include <stdio.h>

static struct {
  pthread_once_t once;
  FILE *file; /* NULL: RT_TRACE is not set */
  uint64_t epoch;
} trace = {.once = PTHREAD_ONCE_INIT};

static void trace_init(void) {
  const char *path = getenv("RT_TRACE");
  if (path && *path && (trace.file = fopen(path, "w")) == NULL)
    fprintf(stderr, "rt: there is no trace: RT_TRACE=%s: %s\n", path, strerror(errno));
  trace.epoch = rt_clock();
}

void rt_trace(int worker, const char *what, uint64_t task, const char *more) {
  pthread_once(&trace.once, trace_init);
  if (rt_likely(trace.file == NULL)) return;
  uint64_t ms = (rt_clock() - trace.epoch) / RT_MILLISECOND;
  fprintf(trace.file, "%llu %d %s %llu %s\n", (unsigned long long)ms, worker, what,
          (unsigned long long)task, more ? more : "");
  fflush(trace.file);
}

#endif
