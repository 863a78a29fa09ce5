#include "runtime.h"

#include "body.h"
#include "frame.h"
#include "turn.h"
#include "unhandled.h"

static void cancel_queued(rt_worker *w, rt_list *ready) {
  for (rt_list *l = ready->next; l != ready; l = l->next) {
    rt_task *t = rt_containerof(l, rt_task, link);
    if (t->phase != RT_QUEUED) continue;
    w->live--;
    rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
  }
}

/* Calls 'f' for every task that has begun and not ended; its handle is on top of L. */
static void each_begun(lua_State *L, rt_worker *w, void (*f)(lua_State *, rt_worker *, rt_task *)) {
  rtL_keep_push(L, w, RT_KEEP_COROUTINES);
  int table = lua_gettop(L);
  for (int i = (int)lua_rawlen(L, table); i > 0; i--) {
    lua_rawgeti(L, table, i);
    lua_State *co = lua_tothread(L, -1);
    rt_task *t = co && lua_status(co) == LUA_YIELD ? rtL_body_task(L, w, co) : NULL;
    if (t && !rt_task_ended(t)) f(L, w, t);
    lua_settop(L, table);
  }
  lua_pop(L, 1);
}

/* Without a reason: there may be no memory for one; see push_reason of cancel.c. */
static void cancel(lua_State *L, rt_worker *w, rt_task *t) {
  (void)L;
  if (t->cancelled) return;
  t->cancelled = 1;
  rt_frame_tell(t, &w->driver);
}

/* It has not unwound in time: its <close> variables run now, and cannot wait. */
static void finish_off(lua_State *L, rt_worker *w, rt_task *t) {
  lua_State *co = t->co;
  rt_list_remove(&t->link);
  rt_frame_close_all(t);
  w->live--;
  t->co = NULL;
  rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
  rtL_reset(co, L);
}

static void wait_for_end(lua_State *L, rt_worker *w) {
  if (w->live == 0) return;
  w->main->cancelled = 0; /* by a signal: it has done its work */
  w->main->alert = 0;
  w->main_awaits_end = true;
  rt_task_sleep(w->main, &w->driver.wheel, rt_driver_after(&w->driver, RT_GRACE));
  rt_turn_drive(w, L);
  w->main_awaits_end = false;
}

void rtL_runtime_stop(lua_State *L, rt_worker *w) {
  if (w->stopping || w->driver.inside || w->main == NULL) return;
  w->stopping = true;
  rt_frame_close_all(w->main);
  if (w->exiting) finish_off(L, w, w->exiting);
  w->exiting = NULL;
  cancel_queued(w, &w->driver.ready.now);
  cancel_queued(w, &w->driver.ready.next);
  each_begun(L, w, cancel);
  wait_for_end(L, w);
  if (w->live > 0) each_begun(L, w, finish_off);
  rtL_unhandled_tell_all(L, w);
}

static int stop(lua_State *L) {
  rtL_runtime_stop(L, lua_touserdata(L, 1));
  return 0;
}

void rtL_runtime_stop_quietly(lua_State *L, rt_worker *w) {
  lua_pushcfunction(L, stop);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}
