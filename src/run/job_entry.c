#include "run/job_entry.h"

#include "pack/pack.h"
#include "pack/unpack.h"
#include "run/cancel.h"
#include "run/outcome.h"
#include "task/task_title.h"
#include "worker/error_text.h"
#include "worker/nil_hint.h"

static const char no_memory[] = "not enough memory";

/* --- the function of the task ----------------------------------------------------------------- */
/* Slots of the stack are scarce: see run/task_entry.c. So those of the arguments are given to the
** function of the job. */
enum { WORKER = 1, JOB, FUNCTION = 1 };

static int job_called(lua_State *L, int status, lua_KContext worker) {
  (void)status;
  rt_worker *w = (rt_worker *)worker;
  rt_job *j = rt_job_entry_job(w->current.task);
  rt_message *results = rtL_pack(L, w, FUNCTION, RT_PACK_RESULTS);
  j->result = results;
  return 0;
}

static int job_body(lua_State *L) {
  rt_worker *w = lua_touserdata(L, WORKER);
  rt_job *j = lua_touserdata(L, JOB);
  if (w->preload.error) luaL_error(L, "%s", w->preload.error);
  lua_settop(L, 0);
  int n = rtL_unpack_call(L, w, j->call);
  rt_message_drop(j->call);
  j->call = NULL;
  lua_callk(L, n - 1, LUA_MULTRET, (lua_KContext)w, job_called);
  return job_called(L, LUA_OK, (lua_KContext)w);
}

/* --- beginning -------------------------------------------------------------------------------- */
static void on_cancel_post(rt_post *p, void *driver) {
  rt_job *j = rt_containerof(p, rt_job, cancel_post);
  rt_task *t = j->task;
  if (t && !t->cancelled) {
    t->cancelled = 1;
    rt_cancel_scope_deliver(t, driver);
  }
  rt_job_drop(j);
}

/* There is no memory for the task's rt_more. The ready queue has the task already, and skips it. */
static int abandon(lua_State *L, rt_worker *w, rt_task *t) {
  rt_worker_task_ended(w);
  rt_task_end(t, &w->driver.ready.next, RT_CANCELLED);
  return luaL_error(L, no_memory);
}

static int make_task(lua_State *L) {
  rt_job *j = lua_touserdata(L, 1);
  rt_worker *w = rt_worker_find(L);
  lua_pushcfunction(L, job_body);
  lua_pushlightuserdata(L, w);
  lua_pushlightuserdata(L, j);
  rt_task *t = rtL_worker_take(L, w, 2, j->priority);
  rt_more *more = rt_task_more(t);
  if (more == NULL) return abandon(L, w, t);
  more->job = j;
  t->id = j->id;
  t->site = rt_call_site_named(&w->call_sites, j->site);
  t->is_job = 1;
  j->task = t;
  return 0;
}

void rt_job_entry_take(rt_worker *w, rt_job *j) {
  rt_worker_assert_thread(w);
  lua_State *L = w->pcall_L;
  if (!rt_job_begin(j, &w->driver, on_cancel_post)) {
    rt_job_drop(j);
    return;
  }
  lua_pushcfunction(L, make_task);
  lua_pushlightuserdata(L, j);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
  lua_pop(L, 1);
  rt_job_end_not_started(j, RT_FAILED, no_memory);
  rt_job_drop(j);
}

/* --- the end ---------------------------------------------------------------------------------- */
/* Added to an error about a global that is nil: most likely only the main state has set it. */
static const char hint[] =
    "a task of rt.spawn runs in a state of its own, where that global was never set: make it a "
    "local,\nwhich is copied with the function, an argument, or a field of a module that both "
    "sides require)";

/* … or about a field of a module. */
static const char field_hint[] =
    "if %s is meant: a task of rt.spawn runs in a state of its own, where that was never set:\nset "
    "it in a module that both sides require, or by rt.preload)";

static void add_hint(lua_State *L, rt_worker *w, int error) {
  const char *text = rt_error_text(L, error), *name;
  if (text == NULL || strstr(text, hint)) return;
  if (strstr(text, "a nil value (global '")) {
    lua_pushfstring(L, "%s\n(%s", text, hint);
  } else if (rt_nil_hint_push(L, w, error)) {
    name = lua_tostring(L, -1);
    lua_pushfstring(L, "%s\n(", text);
    if (strchr(name, '.'))
      lua_pushfstring(L, field_hint, name);
    else
      lua_pushfstring(L, "in this line the global '%s' is nil: %s", name, hint);
    lua_concat(L, 2);
  } else {
    return;
  }
  lua_replace(L, error);
  lua_settop(L, error);
}

static void push_job_title(lua_State *L, rt_job *j) {
  char name[64], title[RT_TASK_TITLE_MAX];
  bool named = rt_job_get_name(j, name, sizeof name);
  rt_task_title_write(title, sizeof title, j->id, named ? name : NULL, j->site);
  lua_pushstring(L, title);
}

static int pack_failure(lua_State *L) {
  rt_worker *w = rt_worker_find(L);
  rt_job *j = lua_touserdata(L, 1);
  j->result = rtL_pack(L, w, 2, RT_PACK_VALUES);
  return 0;
}

/* Stack: error, trace, title -> the same */
static int try_to_pack(lua_State *L, rt_job *j) {
  int first = lua_gettop(L) - 2;
  lua_pushcfunction(L, pack_failure);
  lua_pushlightuserdata(L, j);
  for (int i = 0; i < 3; i++) lua_pushvalue(L, first + i);
  return lua_pcall(L, 4, 0, 0);
}

rt_phase rtL_job_entry_failed(lua_State *L, rt_worker *w, rt_task *t) {
  rt_worker_assert_thread(w);
  rt_job *j = rt_job_entry_job(t);
  int error = lua_gettop(L);
  if (w->stop.closed) rt_worker_end_child(w);
  if ((t->cancelled || rt_worker_is_ending(w)) &&
      rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, error))
    return RT_CANCELLED;
  luaL_checkstack(L, LUA_MINSTACK, "no room for the error of a task");
  add_hint(L, w, error);
  rtL_outcome_take_trace(L, w);
  rtL_cancel_note(L, w, t);
  push_job_title(L, j);
  if (try_to_pack(L, j) == LUA_OK) return RT_FAILED;
  const char *why = lua_tostring(L, -1), *text = rtL_error_text_push(L, error);
  lua_pushfstring(L, "%s\n(the error itself could not be handed on: %s)", text, why ? why : "?");
  lua_replace(L, error);
  lua_settop(L, error + 2);
  if (try_to_pack(L, j) != LUA_OK) lua_error(L);
  return RT_FAILED;
}

void rt_job_entry_end(rt_task *t, rt_phase how) {
  rt_job *j = rt_job_entry_job(t);
  if (j == NULL) return;
  rt_message *outcome = j->result;
  j->result = NULL;
  j->task = NULL;
  if (how == RT_CANCELLED && outcome) {
    rt_message_drop(outcome);
    outcome = NULL;
  }
  if (how == RT_DONE && outcome == NULL) how = RT_FAILED; /* the results could not be packed */
  rt_job_end(j, how, outcome, how == RT_FAILED && outcome == NULL ? no_memory : NULL);
  rt_job_drop(j);
}

/* --- handles and outcomes --------------------------------------------------------------------- */
void rtL_job_entry_push_handle(lua_State *L, rt_worker *w, rt_job *j) {
  RTL_ENTER(L, w, +1);
  rt_shared_ref *handle = rtL_class_new(L, &w->classes, RT_CLASS_JOB, sizeof *handle, 0);
  rt_job_hold(j);
  handle->shared = &j->shared;
}

void rtL_job_entry_push_failure(lua_State *L, rt_worker *w, rt_job *j) {
  RTL_ENTER(L, w, +3);
  if (j->outcome) {
    rtL_unpack(L, w, j->outcome);
    return;
  }
  lua_pushstring(L, j->error_text);
  lua_pushliteral(L, "(no traceback)");
  push_job_title(L, j);
}

static int raise_job_failure(lua_State *L, rt_worker *w, rt_job *j) {
  rt_job_set_handled(j);
  rtL_job_entry_push_failure(L, w, j);
  rtL_outcome_raise(L, w);
  return 0;
}

int rtL_job_entry_push_outcome(lua_State *L, rt_worker *w, rt_job *j) {
  rt_worker_assert_thread(w);
  switch (rt_job_phase(j)) {
    case RT_DONE: return rtL_unpack(L, w, j->outcome);
    case RT_FAILED: return raise_job_failure(L, w, j);
    default: break;
  }
  rtL_cancel_push_reason(L, w, j);
  return rtL_cancelled_raise(L, w);
}
