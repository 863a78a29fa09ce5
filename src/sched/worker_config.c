#include "sched/worker_config.h"

#include "base/cpu_count.h"

#include <stdio.h>

enum { BLOCKING_SEATS = 64 };

static void free_recipe(rt_shared *t) {
  rt_worker_config *r = rt_containerof(t, rt_worker_config, shared);
  for (int i = 0; i < r->count; i++) rt_message_drop(r->preloads[i]);
  if (r->paths) rt_message_drop(r->paths);
  rt_free(r->preloads);
  rt_free(r);
}

static const rt_shared_kind recipe_kind = {.name = "recipe", .free = free_recipe};

static int from_environment(const char *name, int otherwise) {
  const char *text = getenv(name);
  char *end;
  if (text == NULL || *text == '\0') return otherwise;
  long n = strtol(text, &end, 10);
  if (*end == '\0' && n >= 1 && n <= 256) return (int)n;
  fprintf(stderr, "rt: %s=%s is no number from 1 to 256, and has no effect\n", name, text);
  return otherwise;
}

rt_worker_config *rt_worker_config_new(void) {
  rt_worker_config *r = rt_calloc(sizeof *r);
  if (r == NULL) return NULL;
  rt_shared_init(&r->shared, &recipe_kind);
  rt_atomic_init(&r->grace, RT_GRACE);
  int cores = rt_cpu_count();
  r->slots[RT_POOL_TASKS] = from_environment("RT_WORKERS", cores > 256 ? 256 : cores);
  r->slots[RT_POOL_BLOCKING] = from_environment("RT_BLOCKING", BLOCKING_SEATS);
  r->stall = RT_STALL;
  return r;
}

int rt_worker_config_add(rt_worker_config *r, rt_message *preload) {
  if (r->count == r->capacity) {
    int room = r->capacity ? r->capacity * 2 : 4;
    rt_message **more = rt_realloc(r->preloads, (size_t)room * sizeof *more);
    if (more == NULL) return -ENOMEM;
    r->preloads = more;
    r->capacity = room;
  }
  r->preloads[r->count++] = preload;
  return 0;
}
