/* lib/task/runtime.c - rt.shutdown and rt.metrics: the runtime as a whole. */
#include "lib/lib.h"
#include "run/preempt.h"
#include "run/shutdown.h"

/* rt.shutdown([seconds]) */
static int shut_down(lua_State *L) {
  rt_worker *w = rt_self(L);
  uint64_t grace = lua_isnoneornil(L, 1) ? RT_GRACE : rtL_check_duration(L, 1);
  rtL_error_if_forked(L);
  if (w->stop.closed) return 0;
  rt_preempt_need(w); /* the main chunk is cancelled even if it computes */
  rt_shutdown(w, grace);
  return 0;
}

/* --- rt.metrics ------------------------------------------------------------------------------- */
/* clang-format off: one counter a line */
/* The names of the counters, in the tables of rt.metrics. */
#define COUNTER_NAMES(NAME)    \
  NAME(SPAWNED, "spawned")     \
  NAME(STARTED, "started")     \
  NAME(UNSTARTED, "unstarted") \
  NAME(DONE, "done")           \
  NAME(FAILED, "failed")       \
  NAME(CANCELLED, "cancelled") \
  NAME(RESUMES, "resumes")     \
  NAME(PREEMPTED, "preempted") \
  NAME(POLLS, "polls")         \
  NAME(PARKS, "parks")         \
  NAME(POSTS, "posts")         \
  NAME(TIMERS, "timers")       \
  NAME(STOLEN, "stolen")
/* clang-format on */

#define NAMED_ELEMENT(counter, name) [RT_COUNT_##counter] = (name),
#define PLUS_ONE(counter, name) +1

static const char *const count_names[RT_COUNTS] = {COUNTER_NAMES(NAMED_ELEMENT)};
_Static_assert(0 COUNTER_NAMES(PLUS_ONE) == RT_COUNTS,
               "each counter of rt_counter has a name here");

static void push_counts(lua_State *L, const uint64_t *counts) {
  lua_createtable(L, 0, RT_COUNTS + 4);
  for (int i = 0; i < RT_COUNTS; i++) {
    lua_pushinteger(L, (lua_Integer)counts[i]);
    lua_setfield(L, -2, count_names[i]);
  }
}

static void add_counts(uint64_t *sum, const uint64_t *counts) {
  for (int i = 0; i < RT_COUNTS; i++) sum[i] += counts[i];
}

/* Pushes a list with the counts of each worker of the pool that has been started, and adds them to
** 'sum'. */
static void push_pool(lua_State *L, rt_sched *s, uint64_t *sum) {
  int n = s ? rt_load(&s->started) : 0;
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    uint64_t counts[RT_COUNTS] = {0};
    rt_counters_sum(counts, &s->slots[i].counts);
    add_counts(sum, counts);
    push_counts(L, counts);
    lua_rawseti(L, -2, i + 1);
  }
}

static void sum_main(rt_worker *w, uint64_t *of_main, uint64_t *others) {
  rt_runtime *r = w->slot ? w->slot->sched->config.runtime : w->runtime;
  if (r)
    rt_runtime_add_counts(r, of_main, others);
  else
    rt_counters_sum(of_main, w->driver.counters);
}

/* table = rt.metrics() */
static int metrics(lua_State *L) {
  rt_worker *w = rt_self(L);
  uint64_t sum[RT_COUNTS] = {0}, of_main[RT_COUNTS] = {0};
  rtL_error_if_forked(L);
  lua_settop(L, 0);
  sum_main(w, of_main, sum);
  add_counts(sum, of_main);
  push_pool(L, w->pools[RT_POOL_TASKS], sum);
  push_pool(L, w->pools[RT_POOL_BLOCKING], sum);
  push_counts(L, of_main);
  push_counts(L, sum);
  lua_insert(L, 1);
  lua_setfield(L, 1, "main");
  lua_setfield(L, 1, "blocking");
  lua_setfield(L, 1, "workers");
  return 1;
}

/* n = internal.switches(): how often this worker has preempted a task */
static int switches(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rt_self(L)->preempt.switches);
  return 1;
}

void rtL_open_runtime(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"shutdown", shut_down}, {"metrics", metrics}, {NULL, NULL}};
  static const luaL_Reg internal[] = {{"switches", switches}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
