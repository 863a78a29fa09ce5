/* lib_spawn.c - rt.spawn, rt.spawn_blocking, their tasks, and how the pools are set up. */
#include "lib.h"
#include "pack.h"
#include "work.h"

/* --- travelling: the other side gets another handle ------------------------------------------------- */
static rt_thing *travel_send(lua_State *L, rt_worker *w, int index, const char **why) {
  rt_work_handle *h = lua_touserdata(L, index);
  (void)w, (void)why;
  if (h->job == NULL) return NULL;
  rt_job_hold(h->job);
  return &h->job->thing;
}

static void travel_receive(lua_State *L, rt_worker *w, rt_thing *t) {
  rtL_work_push_handle(L, w, rt_job_of(t));
}

static const rt_travel travel = {travel_send, NULL, travel_receive};
static const rt_thing_kind kind = {"task", rt_job_free, RT_CLASS_JOB};

/* --- spawning --------------------------------------------------------------------------------------- */
/* The pool, with at least one worker. */
static rt_sched *check_pool(lua_State *L, rt_worker *w, rt_pool which) {
  if (w->closing || w->stopping) luaL_error(L, "the program has ended: no new tasks");
  if (w->pools[which] == NULL && w->open_pools) w->open_pools(L, w);
  if (w->pools[which] == NULL) luaL_error(L, "the program has ended: no new tasks");
  int err = rt_sched_start(w->pools[which]);
  if (err == UV_ECANCELED) luaL_error(L, "the program has ended: no new tasks");
  if (err != 0) luaL_error(L, "cannot start a worker: %s", uv_strerror(err));
  return w->pools[which];
}

/* Stack: the function, its arguments -> the handle; nothing is queued yet. */
static rt_job *make_job(lua_State *L, rt_worker *w, rt_sched *s) {
  uint32_t site = rt_site_here(L, &w->sites, 1);
  rt_work_handle *h = rtL_class_new(L, &w->classes, RT_CLASS_JOB, sizeof *h, 0);
  lua_insert(L, 1);
  rt_packet *call = rtL_pack(L, w, 2, RT_PACK_CALL);
  h->job = rt_job_new(&kind, s->config.office, rt_worker_next_id(w), rt_site_text(&w->sites, site),
                      call);
  if (h->job == NULL) {
    rt_packet_drop(call);
    luaL_error(L, "not enough memory");
  }
  lua_settop(L, 1);
  return h->job;
}

/* False: the queue is full. */
static bool submit(lua_State *L, rt_worker *w, rt_sched *s, rt_job *j) {
  rt_seat *own = w->seat && w->seat->sched == s ? w->seat : NULL;
  rt_job_hold(j);
  int err = rt_sched_submit(s, j, own);
  if (err == 0) return true;
  rt_job_drop(j);
  if (err == UV_ECANCELED) luaL_error(L, "the program has ended: no new tasks");
  if (err != UV_EAGAIN) luaL_error(L, "cannot queue a task: %s", uv_strerror(err));
  return false;
}

/* task = rt.spawn(f, ...) */
static int spawn(lua_State *L) {
  rt_worker *w = rtL_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  rt_sched *s = check_pool(L, w, RT_POOL_SHARED);
  if (submit(L, w, s, make_job(L, w, s))) return 1;
  return luaL_error(L, "too many tasks are queued that no worker has begun");
}

static int blocking_again(lua_State *L, int status, lua_KContext ticket);

/* Stack: the function and its arguments; or the handle, when others were faster. */
static int spawn_when_room(lua_State *L, rt_worker *w) {
  rt_sched *s = check_pool(L, w, RT_POOL_BLOCKING);
  rt_work_handle *h = rtL_class_test(L, &w->classes, RT_CLASS_JOB, 1);
  for (;;) {
    bool room = rt_load_relaxed(&s->queued) < s->config.queue_most;
    if (room && submit(L, w, s, h ? h->job : make_job(L, w, s))) return 1;
    if (room) h = lua_touserdata(L, 1);
    rtL_wait_prepare(L, w, w->running);
    rt_ticket *t = rt_ticket_draw(&w->driver);
    if (t == NULL) return luaL_error(L, "not enough memory");
    if (!rt_sched_await_room(s, t)) {
      rt_ticket_park(t, w->running, RT_OP_SPAWN);
      return rtL_wait(L, w, blocking_again, (lua_KContext)t);
    }
    rt_ticket_tear(t);
  }
}

static int blocking_again(lua_State *L, int status, lua_KContext ticket) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rt_ticket *t = (rt_ticket *)ticket;
  rt_ticket_withdraw(t);
  rt_ticket_tear(t);
  rtL_wait_over(L, w);
  return spawn_when_room(L, w);
}

/* task = rt.spawn_blocking(f, ...) */
static int spawn_blocking(lua_State *L) {
  rt_worker *w = rtL_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  rtL_cancel_checkpoint(L, w);
  return spawn_when_room(L, w);
}

/* --- the methods of a task -------------------------------------------------------------------------- */
static rt_job *check_job(lua_State *L, int index) {
  rt_work_handle *h = rtL_class_check(L, &rtL_self(L)->classes, RT_CLASS_JOB, index);
  if (h->job == NULL) luaL_error(L, "this task could not be spawned");
  return h->job;
}

static int join_k(lua_State *L, int status, lua_KContext ticket) {
  (void)status;
  rt_worker *w = rtL_self(L);
  rt_ticket *t = (rt_ticket *)ticket;
  bool ended = rt_ticket_withdraw(t);
  rt_ticket_tear(t);
  if (!ended) rtL_wait_over(L, w);
  rtL_wait_happened(w);
  return rtL_work_push_outcome(L, w, check_job(L, 1));
}

/* ... = task:join() */
static int join(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_job *j = check_job(L, 1);
  rt_task *me = rtL_cancel_checkpoint(L, w);
  if (rt_work_job(me) == j) return luaL_error(L, "a task cannot join itself");
  lua_settop(L, 1);
  if (rt_job_phase(j) < RT_DONE) {
    rtL_wait_prepare(L, w, me);
    rt_ticket *t = rt_ticket_draw(&w->driver);
    if (t == NULL) return luaL_error(L, "not enough memory");
    if (!rt_job_await(j, t)) {
      rt_ticket_park(t, me, RT_OP_JOIN);
      return rtL_wait(L, w, join_k, (lua_KContext)t);
    }
    rt_ticket_tear(t);
  }
  return rtL_work_push_outcome(L, w, j);
}

/* pending = task:cancel([reason]) */
static int cancel(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_job *j = check_job(L, 1);
  lua_settop(L, 2);
  rt_packet *reason = lua_isnil(L, 2) ? NULL : rtL_pack(L, w, 2, RT_PACK_VALUES);
  lua_pushboolean(L, rt_job_cancel(j, reason));
  return 1;
}

static const char *status_of(rt_job *j) {
  rt_task t = {.phase = rt_job_phase(j)};
  return rt_task_status(&t);
}

/* string = task:status() */
static int status(lua_State *L) {
  lua_pushstring(L, status_of(check_job(L, 1)));
  return 1;
}

static void push_name(lua_State *L, rt_job *j) {
  char name[256] = "";
  rt_lock_take(&j->lock);
  bool has = j->name != NULL;
  if (has) strncat(name, j->name, sizeof name - 1);
  rt_lock_give(&j->lock);
  if (has)
    lua_pushstring(L, name);
  else
    lua_pushnil(L);
}

static int index_of(lua_State *L) {
  rt_job *j = check_job(L, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "id") == 0)
    lua_pushinteger(L, (lua_Integer)j->id);
  else if (strcmp(key, "name") == 0)
    push_name(L, j);
  return 1;
}

/* task.name = string */
static int newindex(lua_State *L) {
  rt_job *j = check_job(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") != 0)
    return luaL_error(L, "a task has no field '%s' that can be set", key);
  if (!lua_isnil(L, 3)) luaL_checktype(L, 3, LUA_TSTRING);
  if (rt_job_set_name(j, lua_tostring(L, 3)) != 0) return luaL_error(L, "not enough memory");
  return 0;
}

/* rt.task 3 (name, running) */
static int to_string(lua_State *L) {
  rt_job *j = check_job(L, 1);
  push_name(L, j);
  if (lua_isnil(L, -1))
    lua_pushfstring(L, "rt.task %I (%s)", (LUAI_UACINT)j->id, status_of(j));
  else
    lua_pushfstring(L, "rt.task %I (%s, %s)", (LUAI_UACINT)j->id, lua_tostring(L, -1),
                    status_of(j));
  return 1;
}

static int equal(lua_State *L) {
  rt_worker *w = rtL_self(L);
  rt_work_handle *a = rtL_class_test(L, &w->classes, RT_CLASS_JOB, 1);
  rt_work_handle *b = rtL_class_test(L, &w->classes, RT_CLASS_JOB, 2);
  lua_pushboolean(L, a && b && a->job == b->job);
  return 1;
}

static int collect(lua_State *L) {
  rt_work_handle *h = lua_touserdata(L, 1);
  if (h->job) rt_job_drop(h->job);
  h->job = NULL;
  return 0;
}

/* --- setting up ------------------------------------------------------------------------------------------ */
static rt_recipe *check_recipe(lua_State *L, rt_worker *w, const char *what) {
  if (w->seat) luaL_error(L, "%s is for the main state", what);
  if (w->pools[RT_POOL_SHARED])
    luaL_error(L, "%s must come before the first spawn: the pool has been started", what);
  if (w->recipe == NULL && (w->recipe = rt_recipe_new()) == NULL)
    luaL_error(L, "not enough memory");
  return w->recipe;
}

/* The option's number, or 0. */
static int read_seats(lua_State *L, const char *name) {
  int seats = 0;
  if (rtL_option(L, 1, name) != LUA_TNIL) {
    int valid;
    lua_Integer n = lua_tointegerx(L, -1, &valid);
    if (lua_type(L, -1) != LUA_TNUMBER || !valid || n < 1 || n > RT_SEATS_MOST)
      luaL_error(L, "option '%s': an integer from 1 to %d expected", name, RT_SEATS_MOST);
    seats = (int)n;
  }
  lua_pop(L, 1);
  return seats;
}

static const char *const option_names[] = {"workers", "blocking", NULL};

static void check_option_names(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    bool known = false;
    for (int i = 0; option_names[i] && lua_type(L, -2) == LUA_TSTRING; i++)
      known = known || strcmp(option_names[i], lua_tostring(L, -2)) == 0;
    if (!known)
      luaL_error(L, "rt.configure: unknown option '%s' (workers, blocking)",
                 luaL_tolstring(L, -2, NULL));
    lua_pop(L, 1);
  }
}

/* rt.configure{workers = n, blocking = n} */
static int configure(lua_State *L) {
  rt_worker *w = rtL_self(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  check_option_names(L);
  int shared = read_seats(L, "workers"), blocking = read_seats(L, "blocking");
  rt_recipe *r = check_recipe(L, w, "rt.configure");
  if (shared > 0) r->seats[RT_POOL_SHARED] = shared;
  if (blocking > 0) r->seats[RT_POOL_BLOCKING] = blocking;
  return 0;
}

/* rt.preload(name or function) */
static int preload(lua_State *L) {
  rt_worker *w = rtL_self(L);
  luaL_argexpected(L, lua_type(L, 1) == LUA_TSTRING || lua_isfunction(L, 1), 1,
                   "string or function");
  rt_recipe *r = check_recipe(L, w, "rt.preload");
  lua_settop(L, 1);
  rt_packet *p = rtL_pack(L, w, 1, RT_PACK_CALL);
  if (rt_recipe_add(r, p) != 0) {
    rt_packet_drop(p);
    return luaL_error(L, "not enough memory");
  }
  return 0;
}

/* n = rt.workers(): of the pool */
static int workers(lua_State *L) {
  rt_worker *w = rtL_self(L);
  if (w->recipe == NULL && (w->recipe = rt_recipe_new()) == NULL)
    return luaL_error(L, "not enough memory");
  lua_pushinteger(L, w->recipe->seats[RT_POOL_SHARED]);
  return 1;
}

void rtL_open_spawn(lua_State *L, rt_worker *w) {
  static const luaL_Reg methods[] = {
      {"join", join}, {"cancel", cancel}, {"status", status}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__newindex", newindex},
                                  {"__tostring", to_string},
                                  {"__eq", equal},
                                  {"__gc", collect},
                                  {NULL, NULL}};
  static const luaL_Reg functions[] = {{"spawn", spawn},     {"spawn_blocking", spawn_blocking},
                                       {"workers", workers}, {"configure", configure},
                                       {"preload", preload}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_JOB, &(rt_class_def){meta, methods, index_of});
  w->classes.travel[RT_CLASS_JOB] = &travel;
  rtL_set_functions(L, w, functions);
}
