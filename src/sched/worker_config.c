#include "sched/worker_config.h"

#include "base/cpu_count.h"

#include <stdio.h>

enum { BLOCKING_SLOTS = 64 };

static void delete_worker_config(rt_shared *shared) {
  rt_worker_config *c = rt_containerof(shared, rt_worker_config, shared);
  for (int i = 0; i < c->count; i++) rt_message_drop(c->preloads[i]);
  if (c->paths) rt_message_drop(c->paths);
  rt_free(c->preloads);
  rt_free(c);
}

static const rt_shared_kind worker_config_kind = {.name = "worker config",
                                                  .free = delete_worker_config};

static int from_environment(const char *name, int fallback) {
  const char *text = getenv(name);
  char *end;
  if (text == NULL || *text == '\0') return fallback;
  long n = strtol(text, &end, 10);
  if (*end == '\0' && n >= 1 && n <= 256) return (int)n;
  fprintf(stderr, "rt: %s=%s is no number from 1 to 256, and has no effect\n", name, text);
  return fallback;
}

rt_worker_config *rt_worker_config_new(void) {
  rt_worker_config *c = rt_calloc(sizeof *c);
  if (c == NULL) return NULL;
  rt_shared_init(&c->shared, &worker_config_kind);
  rt_atomic_init(&c->grace, RT_GRACE);
  int cpus = rt_cpu_count();
  c->slots[RT_POOL_TASKS] = from_environment("RT_WORKERS", cpus > 256 ? 256 : cpus);
  c->slots[RT_POOL_BLOCKING] = from_environment("RT_BLOCKING", BLOCKING_SLOTS);
  c->stall = RT_STALL;
  c->unjoined = RT_UNJOINED;
  return c;
}

int rt_worker_config_add(rt_worker_config *c, rt_message *preload) {
  if (c->count == c->capacity) {
    int capacity = c->capacity ? c->capacity * 2 : 4;
    rt_message **more = rt_realloc(c->preloads, (size_t)capacity * sizeof *more);
    if (more == NULL) return -ENOMEM;
    c->preloads = more;
    c->capacity = capacity;
  }
  c->preloads[c->count++] = preload;
  return 0;
}
