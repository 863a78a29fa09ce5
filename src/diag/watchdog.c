#include "diag/watchdog.h"

#include "base/buf.h"
#include "task/task_name.h"
#include "sched/worker_config.h"
#include "base/safe_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define STACK ((size_t)256 << 10)

static struct {
  /* under lock */
  rt_lock lock;
  int watched; /* worker statuses; the thread is there while there are any */
  rt_thread thread;
  /* its thread */
  uv_loop_t loop;
  uv_timer_t timer;
  uint64_t period; /* milliseconds; 0: it sleeps */
  uv_timer_t limit;
  /* any thread */
  uv_async_t bell;
  rt_atomic(bool) up, asleep, told_to_end, asked;
  _Atomic(void (*)(void)) on_ask;
  rt_atomic(uint64_t) end_at; /* 0: there is no limit */
  rt_atomic(int) end_code;
} m = {.lock = RT_LOCK_INIT};

/* --- reports ---------------------------------------------------------------------------------- */
/* What one look has to say; written when the roll has been given back. */
typedef struct look {
  uint64_t now;
  uint64_t shortest; /* stall of all worker statuses */
  bool busy;         /* somebody runs a task, or has since the last look */
  char text[4096];
  size_t len;
} look;

__attribute__((format(printf, 2, 3))) static void say(look *k, const char *form, ...) {
  va_list args;
  va_start(args, form);
  int n = vsnprintf(k->text + k->len, sizeof k->text - k->len, form, args);
  va_end(args);
  if (n > 0 && (size_t)n < sizeof k->text - k->len) k->len += (size_t)n; /* else it is too much */
}

/* "task 3 (reader), spawned at x.lua:4" */
static void title_of(const rt_worker_status *f, uint64_t shown, char *text, size_t size) {
  const rt_task t = {.title = shown & ~RT_TITLE_SEEN};
  char name[64];
  rt_task_name_find(t.id, name, sizeof name);
  snprintf(text, size, "task %llu%s%s%s, spawned at %s", (unsigned long long)t.id,
           *name ? " (" : "", name, *name ? ")" : "", f->site_text(f, t.site));
}

static double seconds(uint64_t ns) { return (double)ns / (double)RT_SECOND; }

static void report(look *k, rt_worker_status *f, uint64_t shown) {
  title_of(f, shown, f->watch.title, sizeof f->watch.title);
  const char *what =
      f->cpu_timer ? "is in a C function that has not returned" : "has not given way";
  say(k, "rt: %s is stuck: %s, %s for %.2f s\n", f->name, f->watch.title, what,
      seconds(k->now - f->watch.probed_at));
  f->watch.reported = true;
  bool nudge = f->watch.blocked_throughout && f->cpu_timer &&
               rt_thread_info_restarts_syscall(&f->thread_info);
  rt_store(&f->wants_traceback, nudge || !f->watch.blocked_throughout);
  rt_store(&f->reported_stuck, true);
  if (nudge) rt_cpu_timer_nudge(f->cpu_timer, f->thread_info.thread);
}

static void end_stall(look *k, rt_worker_status *f) {
  if (!f->watch.reported) return;
  say(k, "rt: %s goes on: %s, had it stuck for %.2f s\n", f->name, f->watch.title,
      seconds(k->now - f->watch.probed_at));
  f->watch.reported = false;
  rt_store(&f->reported_stuck, false);
}

/* --- a look at one worker --------------------------------------------------------------------- */
/* It has shown that it is alive: from here on we wait for the next sign. */
static void begin_watch(look *k, rt_worker_status *f) {
  end_stall(k, f);
  f->watch.probed_at = k->now;
  f->watch.cpu_at_probe = rt_thread_info_cpu(&f->thread_info);
  f->watch.stalled = 0;
  f->watch.blocked = false;
  rt_store(&f->probe_pending, true);
}

/* How long it has really been at it: as long as it computed, but not while it waited for a
** processor.  One that is blocked, and was when we looked last, and has hardly computed in
** between (it might have been at many short calls), has been blocked all the time. */
static void measure(look *k, rt_worker_status *f) {
  uint64_t cpu = rt_thread_info_cpu(&f->thread_info), passed = k->now - f->watch.probed_at;
  bool was_blocked = f->watch.blocked;
  f->watch.blocked = rt_thread_info_blocked(&f->thread_info);
  f->watch.stalled = cpu - f->watch.cpu_at_probe;
  f->watch.blocked_throughout = f->watch.blocked && was_blocked && f->watch.stalled < passed / 4;
  if (f->watch.blocked_throughout) f->watch.stalled = passed;
}

static void look_at(look *k, rt_worker_status *f) {
  uint64_t stall = rt_load_relaxed(&f->stall), shown = rt_load_acquire(&f->running_title);
  if (stall == 0 || f->in_blocking_pool) {
    end_stall(k, f);
    return;
  }
  if (stall < k->shortest) k->shortest = stall;
  if (shown == 0) {
    end_stall(k, f);
    rt_store(&f->running_since, 0);
    if (!rt_swap(&f->must_wake_watchdog, true)) k->busy = true;
    return;
  }
  k->busy = true;
  rt_store_relaxed(f->moment, rt_moment_of(k->now));
  if (!(shown & RT_TITLE_SEEN)) {
    rt_store(&f->running_since, k->now);
    begin_watch(k, f);
    rt_cas(&f->running_title, &shown, shown | RT_TITLE_SEEN);
  } else if (!rt_load(&f->probe_pending)) {
    begin_watch(k, f); /* it computes, in Lua */
  } else {
    measure(k, f);
    if (!f->watch.reported && f->watch.stalled >= stall - stall / 10) report(k, f, shown);
  }
}

/* --- the thread ------------------------------------------------------------------------------- */
static void on_look(uv_timer_t *timer);

static void set_period(uint64_t ms) {
  if (ms == m.period) return;
  m.period = ms;
  if (ms == 0)
    uv_timer_stop(&m.timer);
  else
    uv_timer_start(&m.timer, on_look, ms, ms);
}

static uint64_t period_for(uint64_t stall) {
  uint64_t ms = stall / (2 * RT_MILLISECOND);
  return ms < 5 ? 5 : ms > 250 ? 250 : ms;
}

static void look_around(look *k) {
  rt_worker_status *f;
  k->now = rt_clock();
  k->shortest = UINT64_MAX;
  rt_list *roll = rt_worker_registry_lock();
  rt_worker_registry_each(f, roll) look_at(k, f);
  rt_worker_registry_unlock();
}

/* Somebody may have begun a task after our look, and believe that we are awake. */
static bool is_quiet(void) {
  bool quiet = true;
  rt_worker_status *f;
  rt_list *roll = rt_worker_registry_lock();
  rt_worker_registry_each(f, roll) {
    bool counts = rt_load_relaxed(&f->stall) > 0 && !f->in_blocking_pool;
    quiet =
        quiet && (!counts || (rt_load(&f->must_wake_watchdog) && rt_load(&f->running_title) == 0));
  }
  rt_worker_registry_unlock();
  return quiet;
}

static void on_look(uv_timer_t *timer) {
  look k;
  (void)timer;
  k.busy = false;
  k.len = 0;
  look_around(&k);
  rt_store(&m.asleep, !k.busy);
  if (!k.busy && is_quiet()) {
    set_period(0);
  } else {
    rt_store(&m.asleep, false);
    if (k.shortest != UINT64_MAX) set_period(period_for(k.shortest));
  }
  if (k.len > 0) rt_safe_write(STDERR_FILENO, k.text, k.len);
}

/* --- a main chunk that does not return -------------------------------------------------------- */
static void end_process(void) {
  static const char why[] =
      "rt: the program ends without its main chunk, which is in a C function "
      "that does not return\n";
  rt_safe_write(STDERR_FILENO, why, sizeof why - 1);
  if (ftrylockfile(stdout) == 0) fflush(stdout); /* (else it is what does not return) */
  _exit(rt_load(&m.end_code));
}

static void on_limit(uv_timer_t *timer) {
  uint64_t end_at = rt_load(&m.end_at), now = rt_clock();
  if (end_at == 0) return;
  if (now >= end_at) end_process();
  uv_update_time(&m.loop);
  uv_timer_start(timer, on_limit, (end_at - now) / RT_MILLISECOND + 1, 0);
}

void rt_watchdog_set_exit_deadline(uint64_t when, int code) {
  uint64_t before = rt_load(&m.end_at);
  if (!rt_load(&m.up)) return;
  do {
    if (before != 0 && before <= when) return;
  } while (!rt_cas(&m.end_at, &before, when));
  rt_store(&m.end_code, code);
  uv_async_send(&m.bell);
}

void rt_watchdog_clear_exit_deadline(void) { rt_store(&m.end_at, 0); }

/* --- the bell --------------------------------------------------------------------------------- */
static void close_handles(void) {
  uv_close((uv_handle_t *)&m.timer, NULL);
  uv_close((uv_handle_t *)&m.limit, NULL);
  uv_close((uv_handle_t *)&m.bell, NULL);
}

static void on_bell(uv_async_t *bell) {
  (void)bell;
  if (rt_load(&m.told_to_end)) {
    close_handles();
    return;
  }
  on_limit(&m.limit);
  void (*f)(void) = rt_load(&m.on_ask);
  if (rt_swap(&m.asked, false) && f) f();
  rt_store(&m.asleep, false);
  if (m.period == 0) set_period(period_for(RT_STALL));
}

static void thread_main(void *arg) {
  (void)arg;
  uv_run(&m.loop, UV_RUN_DEFAULT);
}

/* --- beginning and end ------------------------------------------------------------------------ */
static bool start_locked(void) {
  if (uv_loop_init(&m.loop) != 0) return false;
  if (uv_async_init(&m.loop, &m.bell, on_bell) != 0) goto no_bell;
  uv_timer_init(&m.loop, &m.timer);
  uv_timer_init(&m.loop, &m.limit);
  m.period = 0;
  rt_store(&m.end_at, 0);
  rt_store(&m.told_to_end, false);
  rt_store(&m.asleep, false);
  if (rt_thread_start(&m.thread, STACK, thread_main, NULL) != 0) goto no_thread;
  rt_store(&m.up, true);
  return true;
no_thread:
  close_handles();
  uv_run(&m.loop, UV_RUN_DEFAULT);
no_bell:
  uv_loop_close(&m.loop);
  return false;
}

static void stop_locked(void) {
  rt_store(&m.up, false);
  rt_store(&m.told_to_end, true);
  uv_async_send(&m.bell);
  rt_thread_join(m.thread);
  uv_loop_close(&m.loop);
}

void rt_watchdog_add(rt_worker_status *f) {
  if (f->in_watchdog) return;
  f->in_watchdog = true;
  rt_lock_take(&m.lock);
  if (m.watched > 0 || start_locked())
    m.watched++;
  else
    f->in_watchdog = false;
  if (f->in_watchdog) uv_async_send(&m.bell);
  rt_lock_give(&m.lock);
}

void rt_watchdog_remove(rt_worker_status *f) {
  if (!f->in_watchdog) return;
  f->in_watchdog = false;
  rt_lock_take(&m.lock);
  if (--m.watched == 0) stop_locked();
  rt_lock_give(&m.lock);
}

void rt_watchdog_wake(rt_worker_status *f) {
  rt_store(&f->must_wake_watchdog, false);
  if (rt_load(&m.asleep) && f->in_watchdog) uv_async_send(&m.bell);
}

bool rt_watchdog_request_dump(void) {
  if (!rt_load(&m.up)) return false;
  rt_store(&m.asked, true);
  uv_async_send(&m.bell);
  return true;
}

void rt_watchdog_on_dump_request(void (*f)(void)) { rt_store(&m.on_ask, f); }
