/* lib/task/job.c - the methods of rt.task, for a task of the pool (a job). */
#include "lib/operation.h"
#include "lib/shared.h"
#include "lib/task/task_handle.h"
#include "run/spawn.h"
#include "task/task_name.h"

static rt_job *check_job(lua_State *L, int index) {
  return rt_job_of(rtL_shared_check(L, rt_self(L), RT_CLASS_JOB, index)->shared);
}

/* --- joining ---------------------------------------------------------------------------------- */
/* (A job has a join and a cancel of its own: its outcome is a message and its joiners are waiters,
** while a task of this state has values and joiners in this state.) */
static rt_job *job_of(const rt_branch *b) { return rt_job_of(rt_branch_shared(b)); }

static int job_join_attempt(lua_State *L, rt_worker *w, rt_branch *b) {
  rt_job *j = job_of(b);
  if (rt_job_entry_job(w->current.task) == j) return luaL_error(L, "a task cannot join itself");
  return rt_job_phase(j) < RT_DONE ? -1 : rtL_job_entry_push_outcome(L, w, j);
}

static bool job_join_arm(lua_State *L, rt_worker *w, rt_branch *b) {
  (void)L, (void)w;
  return !rt_job_await(job_of(b), b->waiter);
}

static int job_join_finish(lua_State *L, rt_worker *w, rt_branch *b) {
  return rtL_job_entry_push_outcome(L, w, job_of(b));
}

static const rt_op_kind job_join_kind = {.name = "join",
                                         .waits_for = RT_OP_JOIN,
                                         .has_waiter = true,
                                         .attempt = job_join_attempt,
                                         .arm = job_join_arm,
                                         .finish = job_join_finish};

/* ... = task:join() */
static int job_join(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_shared_ref *ref = rtL_shared_check(L, w, RT_CLASS_JOB, 1);
  rtL_cancel_checkpoint(L, w);
  return rtL_operation_begin(L, w, &job_join_kind, ref, 0);
}

/* op = task:join_op() */
static int job_join_op(lua_State *L) {
  check_job(L, 1);
  lua_settop(L, 1);
  return rtL_operation_new(L, rt_self(L), &job_join_kind, 0);
}

/* --- the rest --------------------------------------------------------------------------------- */
/* pending = task:cancel([reason]) */
static int job_cancel(lua_State *L) {
  rt_worker *w = rt_self(L);
  rt_job *j = check_job(L, 1);
  lua_settop(L, 2);
  rtL_cancel_push_source(L, w);
  lua_pushboolean(L, rt_job_cancel(j, rtL_pack(L, w, 2, RT_PACK_KEPT)));
  return 1;
}

static const char *job_status_name(rt_job *j) { return rt_phase_name(rt_job_status(j)); }

/* string = task:status() */
static int job_status(lua_State *L) {
  lua_pushstring(L, job_status_name(check_job(L, 1)));
  return 1;
}

static void push_job_name(lua_State *L, rt_job *j) {
  char name[RT_TASK_NAME_MAX + 1];
  if (rt_job_get_name(j, name, sizeof name))
    lua_pushstring(L, name);
  else
    lua_pushnil(L);
}

static int job_index(lua_State *L) {
  rt_job *j = check_job(L, 1);
  if (rt_task_handle_index(L, j->id)) push_job_name(L, j);
  return 1;
}

/* task.name = string */
static int job_newindex(lua_State *L) {
  rt_job *j = check_job(L, 1);
  if (rt_job_set_name(j, rtL_task_handle_newindex(L)) != 0) return rtL_error_no_memory(L);
  return 0;
}

static int job_tostring(lua_State *L) {
  rt_job *j = check_job(L, 1);
  push_job_name(L, j);
  rtL_task_handle_tostring(L, j->id, job_status_name(j));
  return 1;
}

void rtL_open_job(lua_State *L, rt_worker *w) {
  static const luaL_Reg methods[] = {{"join", job_join},
                                     {"join_op", job_join_op},
                                     {"cancel", job_cancel},
                                     {"status", job_status},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__newindex", job_newindex}, {"__tostring", job_tostring}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_JOB, &(rt_class_def){meta, methods, job_index});
}
