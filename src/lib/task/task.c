/* lib/task/task.c - rt.spawn_local, rt.current, rt.yield, and the methods of rt.task, for a task of
** this state. */
#include "lib/lib.h"
#include "lib/operation.h"
#include "lib/task/task_handle.h"
#include "run/job_entry.h"
#include "run/outcome.h"
#include "run/task_entry.h"
#include "task/task_name.h"

static rt_task *check_task(lua_State *L, rt_worker *w, int index) {
  return rtL_class_check(L, &w->classes, RT_CLASS_TASK, index);
}

static void check_not_stopping(lua_State *L, rt_worker *w) {
  if (rt_unlikely(w->stop.begun)) rtL_cancel_at_end(L, w);
}

/* task = rt.spawn_local(f, ...) */
static int spawn_local(lua_State *L) {
  rt_worker *w = rt_self(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  check_not_stopping(L, w);
  rtL_worker_spawn(L, w, lua_gettop(L) - 1, 1, RT_NORMAL);
  return 1;
}

/* internal.spawns_for_callers(): tasks that the calling file spawns, and that all files beside an
** init.lua spawn, have the line of the caller as their call site. */
static int spawns_for_callers(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (rtL_call_sites_push_library(L, &w->call_sites, 1)) rtL_worker_keep(L, w, lua_tostring(L, -1));
  return 0;
}

/* task = rt.current() */
static int current_task(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = w->current.task;
  if (t == NULL) { /* a finalizer that runs between two tasks */
    lua_pushnil(L);
    return 1;
  }
  if (t->is_main)
    rt_anchor_push(L, w, RT_ANCHOR_MAIN);
  else if (t->is_job)
    rtL_job_entry_push_handle(L, w, rt_job_entry_job(t));
  else
    rt_task_entry_of(L, w, t->co);
  return 1;
}

static int task_yield_resume(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rt_self(L);
  rtL_wait_over(L, w);
  if (rt_unlikely(w->current.task->alert)) rtL_cancel_check(L, w, w->current.task);
  return 0;
}

/* rt.yield(). No operation of lib/operation.h: the task is ready, and waits for nothing that could
** be attempted. */
static int task_yield(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  rtL_wait_prepare(L, w, t);
  rt_worker_note_yield(w);
  rt_ready_add(&w->driver.ready, t);
  return rtL_wait(L, w, task_yield_resume, 0);
}

/* --- joining ---------------------------------------------------------------------------------- */
/* (A task of this state has a join and a cancel of its own: its outcome and its joiners are in this
** state, while the outcome of a job is a message and its joiners are waiters.) */
static const char cannot_join_main[] = "the main task cannot be joined: it ends with the program";

/* Pushes the results of a task that has ended, or raises its error. */
static int push_task_outcome(lua_State *L, rt_worker *w, const rt_branch *b) {
  if (b->op == 0) return rtL_outcome_push(L, w, b->object, 1);
  lua_getiuservalue(L, b->op, RT_OPERATION_OBJECT);
  int handle = lua_gettop(L), results = rtL_outcome_push(L, w, b->object, handle);
  lua_remove(L, handle);
  return results;
}

static int task_join_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  const rt_task *t = b->object;
  if (rt_task_has_ended(t)) return push_task_outcome(L, w, b);
  if (t == w->current.task) return luaL_error(L, "a task cannot join itself");
  if (t->is_main) return luaL_error(L, cannot_join_main);
  return -1;
}

static void task_join_prepare(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)w;
  if (!rt_task_has_ended(b->object) && rt_task_more(b->object) == NULL) rtL_error_no_memory(L);
}

static bool task_join_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  const rt_task *t = b->object;
  (void)L, (void)w;
  if (rt_task_has_ended(t)) return false;
  rt_operation_park(b, RT_OP_JOIN, &t->more->joiners);
  return true;
}

static int task_join_resume(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rt_self(L);
  rtL_wait_over(L, w);
  return rtL_outcome_push(L, w, lua_touserdata(L, 1), 1);
}

static const rt_op_kind task_join_kind = {.name = "join",
                                          .attempt = task_join_attempt,
                                          .prepare = task_join_prepare,
                                          .arm = task_join_arm,
                                          .resume = task_join_resume};

/* ... = task:join() */
static int task_join(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = check_task(L, w, 1);
  rtL_cancel_checkpoint(L, w);
  return rtL_operation_begin(L, w, &task_join_kind, t, 0);
}

/* op = task:join_op() */
static int task_join_op(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = check_task(L, w, 1);
  if (t->is_main) return luaL_error(L, cannot_join_main);
  lua_settop(L, 1);
  return rtL_operation_new(L, w, &task_join_kind, 0);
}

/* --- the rest --------------------------------------------------------------------------------- */
/* pending = task:cancel([reason]) */
static int task_cancel(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = check_task(L, w, 1);
  lua_settop(L, 2);
  lua_pushboolean(L, rtL_cancel_task(L, w, t, 1));
  return 1;
}

/* string = task:status() */
static int task_status(lua_State *L) {
  lua_pushstring(L, rt_task_status(check_task(L, rt_self(L), 1)));
  return 1;
}

/* --- fields ----------------------------------------------------------------------------------- */
/* For the other threads, which read names of tasks that have not ended (task/task_name.h). */
static void publish_name(lua_State *L, rt_task *t, const char *name) {
  rt_more *more = rt_task_more(t);
  rt_task_name *task_name = more && name ? rt_task_name_new(t->id, name) : NULL;
  if (more == NULL || (name && task_name == NULL)) rtL_error_no_memory(L);
  rt_task_name_drop(more->task_name);
  more->task_name = task_name;
}

/* Pushes the name of the task whose handle is at this index, or nil. */
static void push_task_name(lua_State *L, rt_worker *w, int handle) {
  rt_anchor_push(L, w, RT_ANCHOR_NAMES);
  lua_pushvalue(L, handle);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

static int task_index(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = check_task(L, w, 1);
  if (rt_task_handle_index(L, t->id)) push_task_name(L, w, 1);
  return 1;
}

/* task.name = string */
static int task_newindex(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = check_task(L, w, 1);
  const char *name = rtL_task_handle_newindex(L);
  rt_anchor_push(L, w, RT_ANCHOR_NAMES);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  lua_rawset(L, -3);
  if (!rt_task_has_ended(t)) publish_name(L, t, name);
  return 0;
}

static int task_tostring(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_task *t = check_task(L, w, 1);
  push_task_name(L, w, 1);
  rtL_task_handle_tostring(L, t->id, rt_task_status(t));
  return 1;
}

static rt_shared *task_send(lua_State *L, rt_worker *w, int index, const char **why) {
  (void)L, (void)w, (void)index;
  *why = "a task of spawn_local";
  return NULL;
}

void rtL_open_task(lua_State *L, rt_worker *w) {
  static const luaL_Reg methods[] = {{"join", task_join},
                                     {"join_op", task_join_op},
                                     {"cancel", task_cancel},
                                     {"status", task_status},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__newindex", task_newindex}, {"__tostring", task_tostring}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"spawn_local", spawn_local}, {"current", current_task}, {"yield", task_yield}, {NULL, NULL}};
  static const luaL_Reg internal[] = {{"spawns_for_callers", spawns_for_callers}, {NULL, NULL}};
  static const rt_travel task_travel = {.send = task_send};
  rtL_worker_class(L, w, RT_CLASS_TASK, &(rt_class_def){meta, methods, task_index});
  w->classes.travel[RT_CLASS_TASK] = &task_travel;
  rtL_set_functions(L, w, functions);
  rtL_set_internal_functions(L, w, internal);
}
