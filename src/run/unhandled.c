#include "run/unhandled.h"

#include "run/cancel.h"
#include "run/exit.h"
#include "run/job_entry.h"
#include "run/outcome.h"
#include "run/unjoined.h"
#include "worker/error_text.h"

#include <stdio.h>

/* --- writing to stderr ------------------------------------------------------------------------ */
static int to_text(lua_State *L) {
  rtL_error_text_push(L, 1);
  return 1;
}

/* A __tostring may compute for so long: the worker does nothing else meanwhile. */
#define TEXT_TIME RT_SECOND
enum { TEXT_INSTRUCTIONS = 1000 }; /* between two looks at the clock */

static _Thread_local uint64_t text_until; /* rt_clock; 0: no __tostring runs */

/* When the time is over it raises at each instruction, so that pcall cannot swallow the error. (A
** coroutine that the __tostring has made has the hook, too, and may run later.) */
static void text_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (text_until == 0) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  if (rt_clock() < text_until) return;
  lua_sethook(L, text_hook, LUA_MASKCOUNT, 1);
  luaL_error(L, "it has not returned for %d s", (int)(TEXT_TIME / RT_SECOND));
}

/* Stack: … to_text, error -> … the text, or why there is none. In a coroutine of its own, since Lua
** calls no hook while a finalizer runs, which may be where errors are told at the end. */
static int call_to_text(lua_State *L) {
  lua_State *co = lua_newthread(L);
  int results;
  lua_insert(L, -3);
  lua_xmove(L, co, 2);
  text_until = rt_clock() + TEXT_TIME;
  lua_sethook(co, text_hook, LUA_MASKCOUNT, TEXT_INSTRUCTIONS);
  int status = lua_resume(co, L, 1, &results);
  text_until = 0;
  if (status == LUA_YIELD) lua_pushliteral(co, "it has yielded");
  lua_xmove(co, L, 1);
  rt_closethread(co, L);
  lua_remove(L, -2);
  return status;
}

/* Pushes the text of an error, even if its __tostring raises, or loops. */
static void push_text(lua_State *L, int error) {
  lua_pushcfunction(L, to_text);
  lua_pushvalue(L, error);
  if (call_to_text(L) == LUA_OK) return;
  const char *why = lua_tostring(L, -1);
  lua_pushfstring(L, "(error object is a %s value; its __tostring failed: %s)",
                  luaL_typename(L, error), why ? why : "?");
  lua_remove(L, -2);
}

/* Stack: error, traceback, first line -> nothing */
static void write_error(lua_State *L, rt_worker *w) {
  int error = lua_gettop(L) - 2;
  push_text(L, error);
  lua_pushfstring(L, "rt: %s%s\n%s\n", lua_tostring(L, error + 2), lua_tostring(L, -1),
                  lua_tostring(L, error + 1));
  fputs(lua_tostring(L, -1), stderr);
  fflush(stderr);
  rt_exit_fail(w);
  lua_settop(L, error - 1);
}

static void write_unhandled(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, -3);
  lua_pushfstring(L, "unhandled error in %s\n", lua_tostring(L, -1));
  lua_replace(L, -2);
  write_error(L, w);
}

static void write_failed(lua_State *L, rt_worker *w, const char *what) {
  RTL_ENTER(L, w, -2);
  lua_pushfstring(L, "%s: ", what);
  write_error(L, w);
}

/* --- errors that are being reported ----------------------------------------------------------- */
/* RT_ANCHOR_REPORTING has an entry for each of these errors until the function of rt.on_unhandled
** has returned. If it never returns, the error is written to stderr. */
enum { REPORTED = 3 }; /* values of an entry: error, traceback, title of the task */

/* The key of the entry: the id of the task that calls the function; 0 at the end, where no task
** does. */
static lua_Integer reporter_id(const rt_worker *w) {
  return w->current.task && w->current.task->is_handler ? (lua_Integer)w->current.task->id : 0;
}

static void add_entry(lua_State *L, rt_worker *w, int error, lua_Integer reporter) {
  rt_anchor_push(L, w, RT_ANCHOR_REPORTING);
  lua_createtable(L, REPORTED, 0);
  for (int i = 0; i < REPORTED; i++) {
    lua_pushvalue(L, error + i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_rawseti(L, -2, reporter);
  lua_pop(L, 1);
}

/* A key that is not there is not set to nil: Lua before 5.4.3 would allocate memory for it. */
static void remove_entry(lua_State *L, rt_worker *w, lua_Integer reporter) {
  rt_anchor_push(L, w, RT_ANCHOR_REPORTING);
  if (lua_rawgeti(L, -1, reporter) != LUA_TNIL) {
    lua_pushnil(L);
    lua_rawseti(L, -3, reporter);
  }
  lua_pop(L, 2);
}

void rt_unhandled_set_handled(lua_State *L, rt_worker *w) { remove_entry(L, w, reporter_id(w)); }

/* Stack: …, entry -> … */
static void write_entry(lua_State *L, rt_worker *w) {
  int entry = lua_gettop(L);
  for (int i = 1; i <= REPORTED; i++) lua_rawgeti(L, entry, i);
  write_unhandled(L, w);
  lua_pop(L, 1);
}

/* Writes errors whose on_unhandled handler was closed before it returned. */
static void write_interrupted(lua_State *L, rt_worker *w) {
  rt_anchor_push(L, w, RT_ANCHOR_REPORTING);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    fputs("rt: the function of rt.on_unhandled was closed before it returned\n", stderr);
    write_entry(L, w);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
  lua_pop(L, 1);
}

/* --- calling the function --------------------------------------------------------------------- */
/* The function has failed. Stack: …, the error that it raised -> unchanged */
static void write_both(lua_State *L, rt_worker *w, lua_Integer reporter) {
  int error = lua_gettop(L);
  rt_anchor_push(L, w, RT_ANCHOR_REPORTING);
  if (lua_rawgeti(L, -1, reporter) == LUA_TTABLE) { /* (else the function has called os.exit) */
    lua_pushvalue(L, error);
    rtL_outcome_take_trace(L, w);
    write_failed(L, w, "the function of rt.on_unhandled failed");
    write_entry(L, w);
  }
  lua_settop(L, error);
}

static int handler_called(lua_State *L, int status, lua_KContext reporter) {
  rt_worker *w = rt_worker_find(L);
  bool failed = status != LUA_OK && status != LUA_YIELD;
  if (failed) write_both(L, w, reporter);
  remove_entry(L, w, reporter);
  bool cancelled = failed && rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, -1);
  return cancelled && reporter != 0 ? lua_error(L) : 0;
}

/* Arguments: the function, error, task, traceback. */
static int call_handler(lua_State *L) {
  lua_KContext reporter = reporter_id(rt_worker_find(L));
  lua_pushcfunction(L, rtL_outcome_traceback);
  lua_insert(L, 1);
  return handler_called(L, lua_pcallk(L, 3, 0, 1, reporter, handler_called), reporter);
}

/* Stack: error, traceback, title, task -> the same, 'call_handler' and its arguments. False: the
** error was written to stderr, since there is no function, or because of_reporter: the error is of
** a task that ran the function. Then these four values were removed. */
static bool prepare_call(lua_State *L, rt_worker *w, bool of_reporter) {
  int error = lua_gettop(L) - REPORTED;
  rt_anchor_push(L, w, RT_ANCHOR_ON_UNHANDLED);
  if (of_reporter || !lua_isfunction(L, -1)) {
    lua_settop(L, error + REPORTED - 1);
    write_unhandled(L, w);
    return false;
  }
  lua_pushcfunction(L, call_handler);
  lua_insert(L, -2);
  lua_pushvalue(L, error);
  lua_pushvalue(L, error + REPORTED);
  lua_pushvalue(L, error + 1);
  return true;
}

/* --- reporting -------------------------------------------------------------------------------- */
/* An error could not be reported. Stack: why -> nothing */
static void write_report_failed(lua_State *L, rt_worker *w) {
  const char *text = rt_error_text(L, -1);
  fprintf(stderr, "rt: an unhandled error could not be reported: %s\n",
          text ? text : luaL_typename(L, -1));
  fflush(stderr);
  rt_exit_fail(w);
  lua_pop(L, 1);
}

/* Pushes the handle of the next failed job that no task can join; NULL: there is none, and nothing
** is pushed. */
static rt_job *take_job(lua_State *L, rt_worker *w) {
  if (rt_list_is_empty(&w->unhandled.jobs)) return NULL;
  rt_shared_ref *handle = rtL_class_new(L, &w->classes, RT_CLASS_JOB, sizeof *handle,
                                        0); /* first, since it may raise */
  rt_list *l = rt_list_take(&w->unhandled.jobs);
  if (w->stop.state_closes) rt_list_append(&w->unhandled.unfinalized, l);
  rt_job *j = rt_containerof(l, rt_job, failure.link);
  handle->shared = &j->shared;
  return j;
}

/* Pushes the next unhandled error, its traceback, the title of its task, and the task. False: there
** is no more. */
static bool push_next(lua_State *L, rt_worker *w, bool *of_reporter) {
  int handle = lua_gettop(L) + 1;
  rt_job *j = take_job(L, w);
  *of_reporter = false;
  if (j) {
    rtL_job_entry_push_failure(L, w, j);
    lua_rotate(L, handle, -1);
  } else if (rt_outcome_unhandled(L, w)) {
    rtL_outcome_unpack(L, w);
    const rt_task *t = lua_touserdata(L, -1);
    *of_reporter = t->is_handler;
  }
  return lua_gettop(L) >= handle;
}

/* Main worker: the jobs that failed at this time or before become unhandled, as if this worker had
** joined them. Returns when the oldest other one failed; 0: there is none. */
static uint64_t take_late_jobs(rt_worker *w, uint64_t due) {
  rt_failure_record *f;
  uint64_t next;
  while ((f = rt_runtime_late_failure(w->runtime, due, &next)) != NULL) {
    rt_job *j = rt_containerof(f, rt_job, failure);
    if (rt_job_set_handled(j)) {
      rt_list_append(&w->unhandled.jobs, &f->link);
    } else { /* a task joins it just now */
      rt_runtime_forget_failure(w->runtime, f);
      rt_job_drop(j);
    }
  }
  return next;
}

static void queue_late(lua_State *L, rt_worker *w) {
  uint64_t due = rt_unjoined_due(w), of_jobs = w->runtime ? take_late_jobs(w, due) : 0;
  uint64_t next = rtL_outcome_queue_late(L, w, due);
  if (next == 0 || (of_jobs > 0 && of_jobs < next)) next = of_jobs;
  if (next > 0) rt_unjoined_watch(w, next);
}

static int spawn_reporters(lua_State *L) {
  rt_worker *w = lua_touserdata(L, 1);
  bool of_reporter;
  if (w->unjoined.due) queue_late(L, w);
  while (push_next(L, w, &of_reporter)) {
    if (prepare_call(L, w, of_reporter)) {
      rt_task *t = rtL_worker_spawn(L, w, 4, 0, RT_NORMAL);
      t->is_handler = 1;
      add_entry(L, w, 2, (lua_Integer)t->id);
    }
    lua_settop(L, 1);
  }
  return 0;
}

void rt_unhandled_report(rt_worker *w) {
  rt_worker_assert_thread(w);
  lua_State *L = w->pcall_L;
  lua_pushcfunction(L, spawn_reporters);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) write_report_failed(L, w);
}

/* --- failed jobs ------------------------------------------------------------------------------ */
void rt_unhandled_on_job(rt_post *p, void *driver) {
  rt_failure_record *f = rt_containerof(p, rt_failure_record, post);
  rt_list_append(&rt_worker_of(driver)->unhandled.jobs, &f->link);
}

static void drop_jobs(rt_list *jobs) {
  rt_list *l;
  while ((l = rt_list_take(jobs)) != NULL) rt_job_drop(rt_containerof(l, rt_job, failure.link));
}

void rt_unhandled_drop_jobs(rt_worker *w) {
  rt_worker_assert_thread(w);
  drop_jobs(&w->unhandled.jobs);
  drop_jobs(&w->unhandled.unfinalized);
}

/* --- the end ---------------------------------------------------------------------------------- */
/* Takes the failed jobs that tasks still hold: at the end no task will join them. */
static void take_failed_jobs(rt_worker *w) {
  rt_failure_record *f;
  while (w->runtime && (f = rt_runtime_take_failure(w->runtime)) != NULL)
    rt_list_append(&w->unhandled.jobs, &f->link);
}

static void report_directly(lua_State *L, rt_worker *w) {
  bool of_reporter;
  for (int top = lua_gettop(L); push_next(L, w, &of_reporter); lua_settop(L, top)) {
    if (!prepare_call(L, w, of_reporter)) continue;
    add_entry(L, w, top + 1, 0);
    if (lua_pcall(L, 4, 0, 0) != LUA_OK) write_report_failed(L, w);
  }
}

void rtL_unhandled_report_all(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  w->unhandled.directly = true;
  take_failed_jobs(w);
  report_directly(L, w);
  rtL_outcome_flush(L, w);
  report_directly(L, w);
  write_interrupted(L, w);
}
