#include "run/task_entry.h"

#include "run/job_entry.h"
#include "run/outcome.h"
#include "worker/stack_depth.h"

/* The stack of 'body'; above it are the arguments, and the worker, which 'body' removes. A new
** coroutine has 40 slots, and Lua doubles them when a C function is called and fewer than 20 are
** free. The handler of a connection that reads lines and answers each just fits. */
enum { HANDLER = 1, HANDLE, FUNCTION };

static int body_finished(lua_State *L, int status, lua_KContext worker) {
  rt_worker *w = (rt_worker *)worker;
  if (status == LUA_OK || status == LUA_YIELD)
    w->task_entry.ended_as = rtL_outcome_keep(L, w, w->current.task, HANDLE, FUNCTION);
  else if (rt_unlikely(w->current.task->is_job))
    w->task_entry.ended_as = rtL_job_entry_failed(L, w, w->current.task);
  else
    w->task_entry.ended_as =
        rtL_outcome_keep_error(L, w, w->current.task, HANDLE, w->current.task->site);
  return 0;
}

static int body(lua_State *L) {
  lua_KContext w = (lua_KContext)lua_touserdata(L, -1);
  lua_pop(L, 1);
  int args = lua_gettop(L) - FUNCTION;
  return body_finished(L, lua_pcallk(L, args, LUA_MULTRET, HANDLER, w, body_finished), w);
}

int rt_task_entry_prepare(rt_worker *w, rt_task *t) {
  rt_worker_assert_thread(w);
  int args = (int)t->args;
  lua_State *co = rt_coroutine_pool_take(&w->coroutine_pool);
  if (rt_unlikely(co == NULL)) return -1;
  if (rt_unlikely(!lua_checkstack(co, FUNCTION + args + 2))) {
    rt_coroutine_pool_give(&w->coroutine_pool, co);
    return -1;
  }
  lua_pushcfunction(co, body);
  lua_pushcfunction(co, rtL_outcome_traceback);
  rt_start_queue_take(&w->start_queue[t->priority], co, 2 + args); /* the handle, the function, … */
  lua_pushlightuserdata(co, w);
  t->co = co;
  t->phase = RT_RUNNING;
  return FUNCTION + args + 1;
}

rt_task *rt_task_entry_of(lua_State *L, rt_worker *w, lua_State *co) {
  rt_worker_assert_thread(w);
  lua_Debug ar;
  int depth = rt_stack_depth(co); /* 'body' is the outermost function */
  if (depth == 0 || !lua_getstack(co, depth - 1, &ar) || !lua_checkstack(co, 1)) return NULL;
  lua_getinfo(co, "f", &ar);
  bool is_body = lua_tocfunction(co, -1) == body;
  lua_pop(co, 1);
  if (!is_body || lua_getlocal(co, &ar, HANDLE) == NULL) return NULL;
  lua_xmove(co, L, 1);
  rt_task *t = rt_class_test(L, &w->classes, RT_CLASS_TASK, -1);
  if (t == NULL) lua_pop(L, 1);
  return t;
}

int rt_task_entry_first(const rt_worker *w) {
  return (int)lua_rawlen(w->anchors, RT_ANCHOR_COROUTINES);
}

rt_task *rt_task_entry_next(lua_State *L, rt_worker *w, int *i) {
  for (; *i > 0; --*i) {
    lua_rawgeti(w->anchors, RT_ANCHOR_COROUTINES, *i);
    lua_State *co = lua_tothread(w->anchors, -1);
    lua_pop(w->anchors, 1);
    if (co == NULL || lua_status(co) != LUA_YIELD) continue;
    rt_task *t = rt_task_entry_of(L, w, co);
    if (t == NULL) continue;
    if (!rt_task_has_ended(t)) {
      --*i;
      return t;
    }
    lua_pop(L, 1);
  }
  return NULL;
}
