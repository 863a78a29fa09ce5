#include "worker/worker.h"

#include "diag/watchdog.h"
#include "event/thread_pool.h"

static const char registry_key;

/* The worker that was made last on this thread. A program may empty Lua's registry
** (debug.getregistry): the worker of such a state is found by this, if no other state of the thread
** has a newer one. */
static _Thread_local rt_worker *latest;

/* --- the anchors ------------------------------------------------------------------------------ */
static void push_weak_table(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static lua_State *new_anchors(lua_State *L) {
  lua_State *anchors = lua_newthread(L);
  luaL_checkstack(anchors, RT_ANCHOR_CLASSES + RT_CLASSES + RT_ANCHOR_ROOM,
                  "no room for the runtime");
  for (int anchor = 1; anchor < RT_ANCHOR_CLASSES + RT_CLASSES; anchor++) {
    switch (anchor) {
      case RT_ANCHOR_COROUTINES:
      case RT_ANCHOR_REASONS:
      case RT_ANCHOR_UNHANDLED:
      case RT_ANCHOR_REPORTING:
      case RT_ANCHOR_MODULE_INDEX:
      case RT_ANCHOR_CLOSURES:
      case RT_ANCHOR_KEPT: lua_newtable(L); break;
      case RT_ANCHOR_OUTCOMES:
      case RT_ANCHOR_TRACES:
      case RT_ANCHOR_CODES:
      case RT_ANCHOR_NAMES: push_weak_table(L); break;
      default: lua_pushnil(L);
    }
    lua_xmove(L, anchors, 1);
  }
  return anchors;
}

void rt_anchor_push(lua_State *L, rt_worker *w, int anchor) {
  RTL_ENTER(L, w, +1);
  lua_pushvalue(w->anchors, anchor);
  lua_xmove(w->anchors, L, 1);
}

void rt_anchor_set(lua_State *L, rt_worker *w, int anchor) {
  RTL_ENTER(L, w, -1);
  lua_xmove(L, w->anchors, 1);
  lua_replace(w->anchors, anchor);
}

void rtL_worker_keep(lua_State *L, rt_worker *w, const void *key) {
  RTL_ENTER(L, w, -1);
  rt_anchor_push(L, w, RT_ANCHOR_KEPT);
  lua_insert(L, -2);
  lua_rawsetp(L, -2, key);
  lua_pop(L, 1);
}

int rt_worker_push_kept(lua_State *L, rt_worker *w, const void *key) {
  RTL_ENTER(L, w, +1);
  rt_anchor_push(L, w, RT_ANCHOR_KEPT);
  int type = lua_rawgetp(L, -1, key);
  lua_remove(L, -2);
  return type;
}

void rtL_worker_class(lua_State *L, rt_worker *w, rt_class which, const rt_class_def *def) {
  RTL_ENTER(L, w, 0);
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  rtL_class_define(L, &w->classes, which, def);
  lua_pop(L, 1);
}

/* --- its status ------------------------------------------------------------------------------- */
/* In a child of fork: the worker of the thread that is left is closed, and nothing is freed. */
static void on_forked(rt_worker_status *s) {
  rt_worker *w = rt_containerof(s, rt_worker, status);
  if (!rt_thread_is_current(w->thread)) return;
  w->stop.closed = true;
  rt_worker_leave_tasks(w);
  rt_classes_leave(&w->classes);
  w->hooks->on_forked(w);
}

static const char *site_text(const rt_worker_status *s, uint32_t site) {
  const rt_worker *w = rt_containerof(s, rt_worker, status);
  return rt_call_site_text(&w->call_sites, site);
}

static void init_status(rt_worker *w) {
  rt_list_init(&w->status.link);
  w->status.mailbox = &w->driver.mailbox;
  w->status.site_text = site_text;
  w->status.on_forked = on_forked;
  w->status.on_snapshot_request = w->hooks->answer_snapshot;
  w->status.timestamp = &w->driver.timestamp;
}

/* --- beginning and end ------------------------------------------------------------------------ */
static void acquire(lua_State *L, rt_worker *w) {
  int err = rt_driver_init(&w->driver, w->hooks->run);
  if (err == 0 && (err = rt_coroutine_pool_init(&w->coroutine_pool, w->anchors, w->pcall_L)) != 0)
    rt_driver_close(&w->driver);
  if (err != 0) rtL_error_system(L, "cannot start the runtime", err);
}

static bool is_complete(const rt_worker_hooks *h) {
  return h->run && h->on_stillness && h->answer_snapshot && h->wake_select && h->interrupt &&
         h->leave && h->on_forked && h->on_main_resumed && h->open_pools;
}

/* Sets the Lua threads of the worker, whose userdata is on top and keeps them alive. */
static void init_lua_threads(lua_State *L, rt_worker *w) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  w->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  w->anchors = new_anchors(L);
  lua_setiuservalue(L, -2, 1);
  w->pcall_L = lua_newthread(L);
  lua_setiuservalue(L, -2, 2);
  lua_pushvalue(L, -1);
  rt_anchor_set(L, w, RT_ANCHOR_SELF);
}

rt_worker *rtL_worker_new(lua_State *L, const rt_worker_hooks *hooks, lua_CFunction on_close) {
  RTL_STACK_CHECK(L, +1);
  if (!is_complete(hooks)) luaL_error(L, "rt: the table of hooks is not complete");
  rt_worker *w = lua_newuserdatauv(L, sizeof *w, 2);
  memset(w, 0, sizeof *w);
  w->thread = rt_thread_self();
  w->hooks = hooks;
  init_status(w);
  rt_list_init(&w->unhandled.jobs);
  rt_list_init(&w->unhandled.unfinalized);
  init_lua_threads(L, w);
  for (int i = 0; i < RT_PRIORITIES; i++)
    rt_start_queue_init(&w->start_queue[i], w->anchors, w->pcall_L, RT_ANCHOR_START_QUEUE + i);
  rt_call_sites_init(&w->call_sites);
  w->classes.anchors = w->anchors;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, on_close);
  lua_setfield(L, -2, "__gc");
  acquire(L, w);
  w->driver.on_stillness = hooks->on_stillness;
  lua_setmetatable(L, -2); /* from here on it is closed with the state */
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
  w->registry = lua_topointer(L, LUA_REGISTRYINDEX);
  latest = w;
  return w;
}

void rt_worker_close(rt_worker *w) {
  rt_worker_assert_thread(w);
  w->stop.closed = true;
  if (latest == w) latest = NULL;
  rt_watchdog_remove(&w->status);
  rt_worker_registry_remove(&w->status);
  rt_waiter_free_all(&w->driver);
  rt_driver_close(&w->driver);
  if (w->main) rt_task_end(w->main, &w->driver.ready.next, RT_DONE);
  if (w->thread_pool) rt_thread_pool_close(w->thread_pool);
  rt_coroutine_pool_close(&w->coroutine_pool);
  rt_call_sites_close(&w->call_sites);
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which]) rt_sched_drop(w->pools[which]);
  if (w->runtime) rt_runtime_drop(w->runtime);
  if (w->worker_config) rt_worker_config_drop(w->worker_config);
}

/* The queue is long: each name that is being resolved stands in it, with a task that waits. */
enum {
  POOL_THREADS = RT_SIZE(8, 2),
  POOL_MOST_THREADS = RT_SIZE(128, 16), /* with those for calls that do not return soon */
  POOL_QUEUE = RT_SIZE(65536, 64),
  POOL_STACK = 256 * 1024
};

rt_thread_pool *rt_worker_thread_pool(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->thread_pool == NULL)
    w->thread_pool = rt_thread_pool_new(POOL_THREADS, POOL_MOST_THREADS, POOL_QUEUE, POOL_STACK);
  return w->thread_pool;
}

rt_worker *rt_worker_find(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  rt_worker *w = lua_touserdata(L, -1);
  lua_pop(L, 1);
  bool is_latest = latest && latest->registry == lua_topointer(L, LUA_REGISTRYINDEX);
  return w == NULL && is_latest ? latest : w;
}

/* --- tasks ------------------------------------------------------------------------------------ */
/* A worker takes a block of ids at a time: one atomic operation in 4096 spawns. */
uint64_t rt_worker_next_id(rt_worker *w) {
  rt_worker_assert_thread(w);
  enum { BLOCK = 4096 };
  static rt_atomic(uint64_t) next_block;
  if (rt_unlikely(w->ids.last_task == w->ids.block_end)) {
    w->ids.last_task = rt_add(&next_block, BLOCK);
    w->ids.block_end = w->ids.last_task + BLOCK;
  }
  return ++w->ids.last_task;
}

void rt_worker_seed(rt_worker *w, uint64_t seed) {
  rt_worker_assert_thread(w);
  rt_random of_all = {seed + (w->slot ? (uint64_t)w->slot->number + 1 : 0)};
  w->chance.state = rt_random_next(&of_all) | 1;
}

uint64_t rt_worker_chance(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->chance.state == 0) w->chance.state = rt_random_seed();
  return rt_random_next(&w->chance) >> 16;
}

static rt_task *new_task(lua_State *L, rt_worker *w, int args, uint32_t site,
                         rt_priority priority) {
  rt_worker_assert_thread(w);
  rt_task *t = rtL_class_new(L, &w->classes, RT_CLASS_TASK, sizeof *t, 0);
  rt_task_init(t, rt_worker_next_id(w));
  t->site = site;
  t->args = (uint32_t)args;
  lua_pushvalue(L, -1);
  lua_insert(L, -3 - args); /* one handle stays, the other goes to the queue */
  lua_insert(L, -2 - args);
  rtL_start_queue_put(L, &w->start_queue[priority], 2 + args);
  rt_worker_task_made(w);
  rt_ready_prioritize(&w->driver.ready, t, priority);
  rt_ready_add(&w->driver.ready, t);
  rt_trace(rt_worker_number(w), "queue", t->id, NULL);
  return t;
}

uint32_t rt_worker_site(lua_State *L, rt_worker *w, int level) {
  rt_worker_assert_thread(w);
  uint32_t site = rt_call_site_here(L, &w->call_sites, level);
  return site == 0 && w->current.task ? w->current.task->site : site;
}

rt_task *rtL_worker_spawn(lua_State *L, rt_worker *w, int args, int level, rt_priority priority) {
  RTL_ENTER(L, w, -args);
  rt_task *t = new_task(L, w, args, rt_worker_site(L, w, level), priority);
  rt_worker_count(w, RT_COUNT_SPAWNED, 1);
  return t;
}

rt_task *rtL_worker_take(lua_State *L, rt_worker *w, int args, rt_priority priority) {
  RTL_ENTER(L, w, -args);
  return new_task(L, w, args, 0, priority); /* run/job_entry.c sets its call site */
}
