#include "run/inspect.h"

#include "base/safe_write.h"
#include "run/job_entry.h"
#include "run/task_entry.h"
#include "task/task_name.h"
#include "task/task_title.h"
#include "worker/stack_depth.h"

#include <limits.h>
#include <unistd.h>

/* --- tracebacks ------------------------------------------------------------------------------- */
enum {
  LEVELS_MAX = 10, /* at each end of a long traceback */
  NESTED_MAX = 16,
  RESUMED = 1, /* index of the coroutine among the arguments of coroutine.resume */
  WRAPPED = 2  /* index of the coroutine among the upvalues of a function of coroutine.wrap */
};

static lua_State *thread_on_top(lua_State *co) {
  lua_State *inner = lua_tothread(co, -1);
  lua_pop(co, 1);
  return inner;
}

/* A function of lib/std/coroutine.c is active in 'co' then, and the inner coroutine is its argument
** or its upvalue. */
lua_State *rt_inspect_inner(lua_State *co) {
  lua_Debug ar;
  lua_State *inner = NULL;
  if (!lua_getstack(co, 0, &ar) || !lua_getinfo(co, "S", &ar) || *ar.what != 'C') return NULL;
  if (!lua_checkstack(co, 2)) return NULL;
  if (lua_getlocal(co, &ar, RESUMED)) inner = thread_on_top(co);
  if (inner == NULL && lua_getinfo(co, "f", &ar)) {
    if (lua_getupvalue(co, -1, WRAPPED)) inner = thread_on_top(co);
    lua_pop(co, 1);
  }
  return inner && inner != co && lua_getstack(inner, 0, &ar) ? inner : NULL;
}

static void write_level(rt_buf *to, lua_State *co, lua_Debug *ar) {
  lua_getinfo(co, "Slnt", ar);
  rt_buf_printf(to, "    %s:", ar->short_src);
  if (ar->currentline > 0) rt_buf_printf(to, "%d:", ar->currentline);
  if (*ar->namewhat)
    rt_buf_printf(to, " in %s '%s'", ar->namewhat, ar->name);
  else if (*ar->what == 'm')
    rt_buf_printf(to, " in main chunk");
  else if (*ar->what == 'C')
    rt_buf_printf(to, " in ?");
  else
    rt_buf_printf(to, " in function <%s:%d>", ar->short_src, ar->linedefined);
  rt_buf_printf(to, ar->istailcall ? " (a tail call)\n" : "\n");
}

static void write_levels(rt_buf *to, lua_State *co, int levels) {
  lua_Debug ar;
  for (int i = 0; i < levels && lua_getstack(co, i, &ar); i++) {
    if (i == LEVELS_MAX && levels > RT_STACK_DEPTH_LARGE) {
      rt_buf_printf(to, "    … (more than %d)\n", RT_STACK_DEPTH_LARGE);
      return;
    }
    if (i == LEVELS_MAX && levels > 2 * LEVELS_MAX) {
      i = levels - LEVELS_MAX;
      rt_buf_printf(to, "    … (%d more)\n", i - LEVELS_MAX);
      if (!lua_getstack(co, i, &ar)) return;
    }
    write_level(to, co, &ar);
  }
}

/* The outermost functions are left out: those of run/task_entry.c and run/job_entry.c or, for the
** main chunk, that of the host. */
void rt_inspect_trace(rt_buf *to, rt_worker *w, const rt_task *t) {
  rt_worker_assert_thread(w);
  lua_State *nested[NESTED_MAX], *co = t->is_main ? w->L : t->co;
  int n = 0, ours = t->is_job ? 2 : 1;
  if (co == NULL) return;
  do nested[n++] = co;
  while (n < NESTED_MAX && (co = rt_inspect_inner(co)) != NULL);
  while (n-- > 0) {
    co = nested[n];
    write_levels(to, co,
                 rt_stack_depth_is_large(co) ? INT_MAX : rt_stack_depth(co) - (n == 0 ? ours : 0));
  }
}

/* --- the list of tasks ------------------------------------------------------------------------ */
typedef struct listing {
  rt_worker *w;
  rt_snapshot_reply *reply;
  bool traces;
  uint64_t until;
  unsigned count; /* tasks added so far */
  bool late;      /* 'until' has passed */
} listing;

static bool is_late(listing *to) {
  if (to->until != UINT64_MAX && !to->late && (to->traces || to->count % 64 == 0))
    to->late = rt_clock() > to->until;
  return to->late;
}

static const char *name_of(const rt_task *t, char *name, size_t size) {
  rt_job *j = rt_job_entry_job(t);
  if (j) return rt_job_get_name(j, name, size) ? name : NULL;
  return t->more && t->more->task_name ? t->more->task_name->text : NULL;
}

static void add_trace(listing *to, rt_task_info *info, const rt_task *t) {
  rt_buf *texts = &to->reply->texts;
  size_t at = rt_buf_len(texts);
  rt_inspect_trace(texts, to->w, t);
  if (rt_buf_put(texts, "", 1) == 0) info->traceback = at;
}

static void add_task(listing *to, const rt_task *t) {
  char name[64];
  if (is_late(to)) return;
  to->count++;
  const char *site = t->is_main ? NULL : rt_call_site_text(&to->w->call_sites, t->site);
  rt_task_info *info = rt_snapshot_reply_add(to->reply, t, site, name_of(t, name, sizeof name));
  if (info == NULL) return;
  info->is_running = t == to->w->current.task;
  if (to->traces) add_trace(to, info, t);
}

static void add_queued(listing *to, const rt_list *ready) {
  for (const rt_list *l = ready->next; l != ready && !to->late; l = l->next) {
    const rt_task *t = rt_containerof(l, rt_task, link);
    if (t->phase == RT_QUEUED && !t->is_proxy) add_task(to, t);
  }
}

static void add_begun(listing *to) {
  lua_State *anchors = to->w->anchors;
  int i = rt_task_entry_first(to->w);
  for (const rt_task *t; !to->late && (t = rt_task_entry_next(anchors, to->w, &i)) != NULL;) {
    if (t != to->w->current.task) add_task(to, t);
    lua_pop(anchors, 1);
  }
}

void rt_inspect_tasks(rt_worker *w, rt_snapshot_reply *reply, bool traces, uint64_t until) {
  listing a = {.w = w, .reply = reply, .traces = traces, .until = until};
  rt_worker_assert_thread(w);
  if (w->main) add_task(&a, w->main);
  if (w->current.task && !w->current.task->is_main) add_task(&a, w->current.task);
  add_begun(&a);
  add_queued(&a, &w->driver.ready.now);
  add_queued(&a, &w->driver.ready.next);
  add_queued(&a, &w->driver.ready.high);
  add_queued(&a, &w->driver.ready.idle);
  if (a.late) reply->omitted = w->tasks.live + (w->main != NULL) - (int64_t)reply->count;
}

void rt_inspect_answer(rt_post *p, void *driver) {
  rt_snapshot_request *q = rt_containerof(p, rt_snapshot_request, post);
  rt_worker *w = rt_worker_of(driver);
  if (!rt_snapshot_request_begin(q)) return;
  uint64_t until = q->snapshot->until, soon = rt_clock() + RT_SNAPSHOT_REPLY_TIME / 2;
  if (until < soon) until = soon; /* the worker begins to reply late */
  if (!w->stop.closed) rt_inspect_tasks(w, &q->reply, q->snapshot->with_tracebacks, until);
  rt_snapshot_request_end(q);
}

/* --- the watchdog's probe --------------------------------------------------------------------- */
/* Has this text, which names the task and the place, been written before? (FNV-1a) */
static bool was_written(rt_worker_status *s, rt_buf *text) {
  const char *data = rt_buf_data(text);
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < rt_buf_len(text); i++) hash = (hash ^ (uint8_t)data[i]) * 0x100000001b3;
  for (size_t i = 0; i < rt_countof(s->places); i++)
    if (s->places[i] == hash) return true;
  s->places[s->tracebacks++ % rt_countof(s->places)] = hash;
  return false;
}

/* The time that this takes is no stall: the watchdog's next probe counts from its end. */
void rt_inspect_answer_probe(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status *s = &w->status;
  rt_store(&s->probe_pending, false);
  if (!rt_swap(&s->reported_stuck, false) || !rt_load(&s->wants_traceback) ||
      w->current.task == NULL)
    return;
  char title[RT_TASK_TITLE_MAX];
  rt_buf text;
  rt_buf_init(&text);
  rt_task_title_write(title, sizeof title, w->current.task->id, NULL, NULL);
  rt_buf_printf(&text, "rt: %s: %s was stuck in\n", s->name, title);
  rt_inspect_trace(&text, w, w->current.task);
  if (rt_buf_len(&text) > 0 && !was_written(s, &text))
    rt_safe_write(STDERR_FILENO, rt_buf_data(&text), rt_buf_len(&text));
  rt_buf_close(&text);
  rt_store(&s->reported_stuck, false);
  rt_store(&s->probe_pending, false);
}
