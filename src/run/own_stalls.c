#include "run/own_stalls.h"

#include "base/safe_write.h"
#include "run/inspect.h"
#include "run/task_entry.h"
#include "task/task_name.h"

#include <unistd.h>

/* --- is it a stall? --------------------------------------------------------------------------- */
static void read_base(rt_worker *w, uint64_t now) {
  rt_worker_own_stalls *o = &w->own_stalls;
  o->based_at = now;
  o->has_base = rt_thread_info_delay(&w->status.thread_info, &o->delay);
  o->cpu = rt_thread_info_cpu(&w->status.thread_info);
}

/* Of 'passed' ns, for how many at least was the thread blocked? What it has computed and waited for
** a CPU since the base was read, some of it before these, is taken off. */
static uint64_t blocked_of(const rt_worker *w, uint64_t passed) {
  const rt_worker_own_stalls *o = &w->own_stalls;
  uint64_t delay;
  if (!o->has_base || !rt_thread_info_delay(&w->status.thread_info, &delay)) return 0;
  uint64_t other = delay - o->delay + rt_thread_info_cpu(&w->status.thread_info) - o->cpu;
  return other < passed ? passed - other : 0;
}

/* Does it concern this worker? (Relaxed: 'stall' is a setting.) */
static bool is_concerned(const rt_worker *w) {
  return w->slot == NULL && !w->status.in_watchdog && !rt_clock_is_virtual() &&
         rt_load_relaxed(&w->status.stall) > 0;
}

/* --- the report ------------------------------------------------------------------------------- */
static bool was_told(rt_worker_own_stalls *o, uint64_t title) {
  for (size_t i = 0; i < rt_countof(o->told); i++)
    if (title != 0 && o->told[i] == title) return true;
  o->told[o->reports++ % rt_countof(o->told)] = title;
  return false;
}

/* The task with this id, if it has begun and has not ended; pushes its handle on w->anchors. */
static const rt_task *find_begun(rt_worker *w, uint64_t id) {
  int i = rt_task_entry_first(w);
  for (const rt_task *t; (t = rt_task_entry_next(w->anchors, w, &i)) != NULL;) {
    if (t->id == id) return t;
    lua_pop(w->anchors, 1);
  }
  return NULL;
}

static void write_report(rt_worker *w, uint64_t title, uint64_t blocked) {
  const rt_task key = {.title = title};
  char name[64], text[RT_TASK_TITLE_MAX];
  rt_buf b;
  rt_buf_init(&b);
  rt_task_name_find(key.id, name, sizeof name);
  rt_task_title_write(text, sizeof text, key.id, name, rt_call_site_text(&w->call_sites, key.site));
  rt_buf_printf(&b, "rt: %s was stuck: %s, was in a call that blocked for %.2f s", w->status.name,
                text, (double)blocked / (double)RT_SECOND);
  const rt_task *t = find_begun(w, key.id);
  if (t) {
    rt_buf_printf(&b, "; after that it waits in\n");
    rt_inspect_trace(&b, w, t);
    lua_pop(w->anchors, 1);
  } else {
    rt_buf_printf(&b, ", and has ended\n");
  }
  if (rt_buf_len(&b) > 0) rt_safe_write(STDERR_FILENO, rt_buf_data(&b), rt_buf_len(&b));
  rt_buf_close(&b);
}

static void write_report_of_many(const rt_worker *w, unsigned slices, uint64_t blocked) {
  rt_buf b;
  rt_buf_init(&b);
  rt_buf_printf(&b,
                "rt: %s was stuck: one of %u tasks was in a call that blocked for %.2f s; the next "
                "report will name it\n",
                w->status.name, slices, (double)blocked / (double)RT_SECOND);
  if (rt_buf_len(&b) > 0) rt_safe_write(STDERR_FILENO, rt_buf_data(&b), rt_buf_len(&b));
  rt_buf_close(&b);
}

static void report(rt_worker *w, unsigned slices, uint64_t blocked, uint64_t title) {
  rt_worker_own_stalls *o = &w->own_stalls;
  if (slices > 1 && !o->precise) {
    o->precise = true;
    rt_store(&w->status.must_wake_watchdog, true);
    write_report_of_many(w, slices, blocked);
    return;
  }
  if (title != 0 && !was_told(o, title)) write_report(w, title, blocked);
}

/* --- the beginnings of slices, once there was a stall of one among several -------------------- */
static void end_slice(rt_worker_own_stalls *o, uint64_t now) {
  uint64_t length = now - o->began;
  if (o->began == 0 || length <= o->longest) return;
  o->longest = length;
  o->culprit = o->title;
}

/* (A slice that began before uv_run has resumed its first task was followed by other things.
** Relaxed: its own store.) */
void rt_own_stalls_begin_slice(rt_worker *w) {
  rt_worker_own_stalls *o = &w->own_stalls;
  rt_worker_assert_thread(w);
  if (w->status.in_watchdog) {
    o->precise = false; /* from now on the watchdog sets the flag */
    return;
  }
  uint64_t now = rt_clock();
  if (o->began < w->driver.resumed_at * RT_MILLISECOND)
    o->longest = 0;
  else
    end_slice(o, now);
  o->began = now;
  o->title = rt_load_relaxed(&w->status.running_title);
}

/* (The coarse clock may be a little behind that of libuv. Relaxed: a setting, its own store.) */
static void judge(rt_worker *w, uint64_t now, uint64_t since, unsigned slices) {
  rt_worker_own_stalls *o = &w->own_stalls;
  uint64_t stall = rt_load_relaxed(&w->status.stall), passed = now > since ? now - since : 0;
  if (passed < stall) return;
  uint64_t blocked = blocked_of(w, passed), title = rt_load_relaxed(&w->status.running_title);
  if (slices > 1 && o->precise) {
    end_slice(o, rt_clock());
    title = o->culprit;
  }
  if (blocked >= stall - stall / 10) report(w, slices, blocked, title);
}

void rt_own_stalls_examine(rt_worker *w, uint64_t now, rt_own_stalls_of which) {
  rt_worker_own_stalls *o = &w->own_stalls;
  rt_worker_assert_thread(w);
  if (!is_concerned(w)) {
    o->based_at = now;
    return;
  }
  if (which == RT_OWN_STALLS_LAST)
    judge(w, now, o->since, 1);
  else if (which == RT_OWN_STALLS_RESUMED && w->driver.resumed_at)
    judge(w, now, w->driver.resumed_at * RT_MILLISECOND, w->loop.slices - w->loop.polled_at);
  read_base(w, now);
}
