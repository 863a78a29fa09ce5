/* Sleeping against resuming. The watchdog stops its timer when no worker has run a task at two
** checks.
**
**   worker that resumes a task               watchdog
**   1. stores running_title                  1. at a check: sets must_wake_watchdog of each worker
**   2. if must_wake_watchdog is set:            that runs no task
**      clears it, then reads 'asleep',       2. at the next check, if no worker runs a task and
**      and rings the bell if that is set        all flags were still set: sets 'asleep', then
**                                               reads all flags and titles again
**                                            3. sleeps if all flags are set and all titles are 0
**
** The worker clears the flag and then reads 'asleep'; the watchdog sets 'asleep' and then reads the
** flag. These four are sequentially consistent, so the watchdog sees that the flag was cleared and
** stays awake, or the worker sees 'asleep' and rings.
**
** The worker's first read of the flag is relaxed, since it is done for each resume. It could only
** miss a flag that was set a moment before, but 'asleep' is set a whole check (5 ms or more) after
** the flag. If it did, the watchdog would sleep until the next resume of that worker, and a stall
** in between would not be reported.
**
** Lock order: the lock of the watchdog; that of the registry; that of the task names. The first is
** held while the thread is started and while it is joined, and the thread takes the other two, so
** rt_watchdog_add and rt_watchdog_remove must not be called under these. (No model.)
*/
#include "diag/watchdog.h"

#include "base/buf.h"
#include "base/fork.h"
#include "base/safe_write.h"
#include "event/uv_loop.h"
#include "sched/sched.h"
#include "sched/worker_config.h"
#include "task/task_name.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define STACK_SIZE ((size_t)256 << 10)

/* Workers are checked as if stalls were to be reported after this time, if it is shorter than the
** one that was set: while there is a function of rt_watchdog_on_stuck, and while that function has
** something to do. */
#define WATCHED_STALL (100 * RT_MILLISECOND)
#define STUCK_STALL (20 * RT_MILLISECOND)

/* A full pool of blocking threads that begins nothing for so long, or for the time of a stall if
** that is longer, is reported. */
#define FULL_POOL RT_SECOND

static struct {
  /* under the lock */
  rt_lock lock;
  int workers; /* that were added; the thread exists while it is not 0 */
  rt_thread thread;
  /* watchdog's thread */
  uv_loop_t loop;
  uv_timer_t check_timer;
  uint64_t period; /* ms between two checks; 0: it sleeps */
  uv_timer_t exit_timer;
  uint64_t full_since; /* clock: a full pool of blocking threads began nothing since; 0: not full */
  uint64_t full_sum;   /* of the titles of what its threads run */
  bool full_pool_told;
  /* any thread */
  uv_async_t bell;
  /* atomic */
  rt_atomic(bool) running;        /* the thread exists, and 'bell' may be rung */
  rt_atomic(bool) asleep;         /* it may be asleep: a resumed task has to ring */
  rt_atomic(bool) stop_requested; /* the thread has to end */
  rt_atomic(bool) dump_requested;
  rt_atomic(void (*)(void)) on_dump_request;
  rt_atomic(bool (*)(uint64_t)) on_stuck;
  rt_atomic(uint64_t) exit_at; /* clock; 0: no deadline */
  rt_atomic(int) exit_code;
} watchdog = {.lock = RT_LOCK_INIT};

/* --- reports ---------------------------------------------------------------------------------- */
/* One check of all workers. Its report is written after the registry has been unlocked. */
typedef struct check {
  uint64_t now;
  uint64_t min_stall; /* of all workers; UINT64_MAX: none is watched */
  bool busy;          /* a worker runs a task, or has since the last check */
  bool stuck;         /* a worker is (rt_worker_status_is_stuck) */
  bool has_external;  /* a worker has an external CPU timer */
  bool computes;      /* such a worker has computed since the last check */
  char text[4096];
  size_t len;
} check;

/* A text for which there is no room is left out. */
__attribute__((format(printf, 2, 3))) static void add_report(check *c, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(c->text + c->len, sizeof c->text - c->len, format, args);
  va_end(args);
  if (n > 0 && (size_t)n < sizeof c->text - c->len) c->len += (size_t)n;
}

static void write_title(rt_worker_status *s, uint64_t running_title) {
  const rt_task t = {.title = running_title & ~RT_TITLE_SEEN};
  char name[64];
  rt_task_name_find(t.id, name, sizeof name);
  rt_task_title_write(s->watch.title, sizeof s->watch.title, t.id, name, s->site_text(s, t.site));
}

static double seconds(uint64_t ns) { return (double)ns / (double)RT_SECOND; }

static bool was_reported(rt_worker_status *s, uint64_t title) {
  for (size_t i = 0; i < rt_countof(s->watch.told); i++)
    if (s->watch.told[i] == title) return true;
  s->watch.told[s->watch.reports++ % rt_countof(s->watch.told)] = title;
  return false;
}

/* The first stall of a task is reported; of another one only the traceback, if that is a new one
** (rt_inspect_answer_probe). The worker writes a traceback at its next Lua instruction, if that
** comes right after the C function: if the thread has computed, a timer signal has set the hook; if
** it was blocked, it needs a signal now, which is sent only to a system call that continues after
** it. */
static void report_stall(check *c, rt_worker_status *s, uint64_t title) {
  const char *what =
      s->cpu_timer ? "is in a C function that has not returned" : "has not given way";
  write_title(s, title);
  s->watch.reported = true;
  s->watch.again = was_reported(s, title & ~RT_TITLE_SEEN);
  if (!s->watch.again)
    add_report(c, "rt: %s is stuck: %s, %s for %.2f s\n", s->name, s->watch.title, what,
               seconds(c->now - s->watch.probed_at));
  bool nudge = s->watch.blocked_throughout && s->cpu_timer &&
               rt_thread_info_restarts_syscall(&s->thread_info);
  rt_store(&s->wants_traceback, nudge || !s->watch.blocked_throughout);
  rt_store(&s->reported_stuck, true);
  if (nudge) rt_cpu_timer_nudge(s->cpu_timer, s->thread_info.thread);
}

static void report_stall_end(check *c, rt_worker_status *s) {
  if (!s->watch.reported) return;
  if (!s->watch.again)
    add_report(c, "rt: %s goes on: %s, had it stuck for %.2f s\n", s->name, s->watch.title,
               seconds(c->now - s->watch.probed_at));
  s->watch.reported = false;
  rt_store(&s->reported_stuck, false);
}

/* --- checking one worker ---------------------------------------------------------------------- */
/* The worker is alive: the time counts from now, and it gets a probe. */
static void send_probe(check *c, rt_worker_status *s) {
  report_stall_end(c, s);
  s->watch.probed_at = c->now;
  s->watch.cpu_at_probe = rt_thread_info_cpu(&s->thread_info);
  s->watch.has_delay = rt_thread_info_delay(&s->thread_info, &s->watch.delay_at_probe);
  s->watch.stalled = 0;
  s->watch.blocked = false;
  rt_store(&s->probe_pending, true);
}

/* How long the worker has been stalled: the CPU time of its thread since the probe, so that waiting
** for a CPU does not count. If the thread is blocked in the kernel, was blocked at the last check,
** and has hardly computed in between (it might make many short calls), all of it counts but the
** time in which the thread has waited for a CPU. */
static void measure_stall(check *c, rt_worker_status *s) {
  uint64_t cpu = rt_thread_info_cpu(&s->thread_info), passed = c->now - s->watch.probed_at, delay;
  bool was_blocked = s->watch.blocked;
  s->watch.blocked = rt_thread_info_state(&s->thread_info) == RT_THREAD_BLOCKED;
  s->watch.stalled = cpu - s->watch.cpu_at_probe;
  s->watch.blocked_throughout = s->watch.blocked && was_blocked && s->watch.stalled < passed / 4;
  if (!s->watch.blocked_throughout) return;
  bool known = s->watch.has_delay && rt_thread_info_delay(&s->thread_info, &delay);
  uint64_t waited = known ? delay - s->watch.delay_at_probe : 0;
  if (waited < passed && passed - waited > s->watch.stalled) s->watch.stalled = passed - waited;
}

/* Reports can be off (stall is 0); then a worker is watched for rt_watchdog_on_stuck. (Relaxed:
** 'stall' is a setting.) */
static bool is_watched(rt_worker_status *s) {
  return !s->in_blocking_pool && (rt_load_relaxed(&s->stall) > 0 || rt_load(&watchdog.on_stuck));
}

/* (Relaxed: 'stall' is a setting, and 'timestamp' a coarse time; neither refers to other memory.
** Acquire: see rt_worker_status_set_running.) */
static void check_status(check *c, rt_worker_status *s) {
  uint64_t stall = rt_load_relaxed(&s->stall), title = rt_load_acquire(&s->running_title);
  if (!is_watched(s)) {
    report_stall_end(c, s);
    return;
  }
  if (stall > 0 && stall < c->min_stall) c->min_stall = stall;
  if (rt_load(&watchdog.on_stuck) && c->min_stall > WATCHED_STALL) c->min_stall = WATCHED_STALL;
  if (title == 0) {
    report_stall_end(c, s);
    rt_store(&s->running_since, 0);
    if (!rt_swap(&s->must_wake_watchdog, true)) c->busy = true;
    return;
  }
  c->busy = true;
  rt_store_relaxed(s->timestamp, rt_driver_timestamp(c->now));
  if (!(title & RT_TITLE_SEEN)) {
    rt_store(&s->running_since, c->now);
    send_probe(c, s);
    rt_cas(&s->running_title, &title, title | RT_TITLE_SEEN);
    return;
  }
  c->stuck = c->stuck || rt_worker_status_is_stuck(s, c->now);
  if (stall == 0) return;
  if (!rt_load(&s->probe_pending)) {
    send_probe(c, s); /* it has answered: it runs Lua code */
  } else {
    measure_stall(c, s);
    if (!s->watch.reported && s->watch.stalled >= stall - stall / 10) report_stall(c, s, title);
  }
}

/* --- a full pool of blocking threads ---------------------------------------------------------- */
enum { NAMED_MAX = 8 }; /* threads in the report */

/* Does a job wait although each thread that the pool may have is there? (Relaxed: guesses. Once the
** scheduler is to stop, no job begins.) */
static rt_sched *full_pool_of(const rt_worker_status *s) {
  rt_sched *pool = s->pools[RT_POOL_BLOCKING];
  if (pool == NULL || rt_load_relaxed(&s->stall) == 0 || rt_load_relaxed(&pool->stopping))
    return NULL;
  bool full =
      rt_load_relaxed(&pool->queued) > 0 && rt_load_relaxed(&pool->live) == pool->config.slots;
  return full ? pool : NULL;
}

/* (Acquire: see rt_worker_status_set_running.) */
static void report_full_pool(check *c, rt_list *workers, const rt_sched *pool, uint64_t passed) {
  rt_worker_status *s;
  int n = 0;
  add_report(
      c, "rt: all %d threads of rt.spawn_blocking are busy, and nothing has begun for %.1f s:\n",
      pool->config.slots, seconds(passed));
  rt_worker_registry_each(s, workers) {
    uint64_t title = rt_load_acquire(&s->running_title);
    if (!s->in_blocking_pool || s->runtime != pool->config.runtime || title == 0) continue;
    if (n++ >= NAMED_MAX) continue;
    write_title(s, title);
    add_report(c, "    %s: %s\n", s->name, s->watch.title);
  }
  if (n > NAMED_MAX) add_report(c, "    … (%d more)\n", n - NAMED_MAX);
  if (n == 0) add_report(c, "    their tasks wait\n");
}

/* Said once in a process: the tasks that wait for such a thread wait in silence. Progress is a
** change of the sum of all titles. (Acquire: as above.) */
static void check_blocking_pool(check *c, rt_list *workers) {
  rt_worker_status *s;
  rt_sched *pool = NULL;
  uint64_t sum = 0, limit = FULL_POOL;
  if (watchdog.full_pool_told) return;
  rt_worker_registry_each(s, workers) {
    if (pool == NULL && (pool = full_pool_of(s)) != NULL && rt_load_relaxed(&s->stall) > limit)
      limit = rt_load_relaxed(&s->stall);
    if (s->in_blocking_pool) sum += rt_load_acquire(&s->running_title) & ~RT_TITLE_SEEN;
  }
  if (pool == NULL) {
    watchdog.full_since = 0;
    return;
  }
  c->busy = true;
  if (c->min_stall > limit) c->min_stall = limit;
  if (watchdog.full_since == 0 || sum != watchdog.full_sum) {
    watchdog.full_since = c->now;
    watchdog.full_sum = sum;
  } else if (c->now - watchdog.full_since >= limit) {
    report_full_pool(c, workers, pool, limit);
    watchdog.full_pool_told = true;
  }
}

/* --- the thread ------------------------------------------------------------------------------- */
static void on_check_timer(uv_timer_t *timer);

static void set_period(uint64_t ms) {
  if (ms == watchdog.period) return;
  watchdog.period = ms;
  if (ms == 0)
    uv_timer_stop(&watchdog.check_timer);
  else
    uv_timer_start(&watchdog.check_timer, on_check_timer, ms, ms);
}

static uint64_t period_for(uint64_t stall) {
  uint64_t ms = stall / (2 * RT_MILLISECOND);
  return ms < 5 ? 5 : ms > 250 ? 250 : ms;
}

/* The signal of an external CPU timer, for which the time between two checks is precise enough. */
static void tick_external_timer(check *c, rt_worker_status *s) {
  if (s->cpu_timer == NULL || !s->cpu_timer->is_external) return;
  uint64_t cpu = rt_thread_info_cpu(&s->thread_info);
  c->has_external = true;
  if (cpu - s->watch.cpu_at_check >= RT_MILLISECOND) c->computes = true;
  s->watch.cpu_at_check = cpu;
  if (cpu - s->watch.cpu_at_tick < s->cpu_timer->period / 2) return;
  s->watch.cpu_at_tick = cpu;
  rt_cpu_timer_tick(s->cpu_timer, s->thread_info.thread);
}

enum { EXTERNAL_MS = 5, EXTERNAL_IDLE_MS = 50 };

static void set_period_of(const check *c) {
  uint64_t ms = period_for(c->min_stall != UINT64_MAX ? c->min_stall : RT_STALL);
  uint64_t most = !c->has_external ? UINT64_MAX : c->computes ? EXTERNAL_MS : EXTERNAL_IDLE_MS;
  set_period(ms < most ? ms : most);
}

static void check_all(check *c) {
  rt_worker_status *s;
  c->now = rt_clock();
  c->min_stall = UINT64_MAX;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) {
    check_status(c, s);
    tick_external_timer(c, s);
  }
  check_blocking_pool(c, workers);
  bool (*f)(uint64_t) = c->stuck ? rt_load(&watchdog.on_stuck) : NULL;
  if (f && f(c->now) && c->min_stall > STUCK_STALL) c->min_stall = STUCK_STALL;
  rt_worker_registry_unlock();
}

/* Step 2 of the watchdog, after 'asleep' was set: does no worker run a task? (Relaxed: 'stall' is a
** setting; an old value is as if this check had been made before it was changed.) */
static bool is_all_idle(void) {
  bool idle = true;
  rt_worker_status *s;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) {
    bool is_idle = rt_load(&s->must_wake_watchdog) && rt_load(&s->running_title) == 0;
    idle = idle && (!is_watched(s) || is_idle);
  }
  rt_worker_registry_unlock();
  return idle;
}

static void on_check_timer(uv_timer_t *timer) {
  check k;
  (void)timer;
  k.busy = k.stuck = k.has_external = k.computes = false;
  k.len = 0;
  check_all(&k);
  bool may_sleep = !k.busy && !k.has_external;
  rt_store(&watchdog.asleep, may_sleep);
  if (may_sleep && is_all_idle()) {
    set_period(0);
  } else {
    rt_store(&watchdog.asleep, false);
    set_period_of(&k);
  }
  if (k.len > 0) rt_safe_write(STDERR_FILENO, k.text, k.len);
}

/* --- a main chunk that does not return -------------------------------------------------------- */
static void end_process(void) {
  static const char why[] =
      "rt: the program ends without its main chunk, which is in a C function "
      "that does not return\n";
  rt_safe_write(STDERR_FILENO, why, sizeof why - 1);
  rt_safe_write_flush(stdout); /* (not if the main chunk is blocked in it) */
  _exit(rt_load(&watchdog.exit_code));
}

static void on_exit_timer(uv_timer_t *timer) {
  uint64_t end_at = rt_load(&watchdog.exit_at), now = rt_clock();
  if (end_at == 0) return;
  if (now >= end_at) end_process();
  uv_update_time(&watchdog.loop);
  uv_timer_start(timer, on_exit_timer, (end_at - now) / RT_MILLISECOND + 1, 0);
}

void rt_watchdog_set_exit_deadline(uint64_t when, int code) {
  uint64_t before = rt_load(&watchdog.exit_at);
  if (!rt_load(&watchdog.running) || rt_fork_is_child()) return;
  do {
    if (before != 0 && before <= when) return;
  } while (!rt_cas(&watchdog.exit_at, &before, when));
  rt_store(&watchdog.exit_code, code);
  uv_async_send(&watchdog.bell);
}

void rt_watchdog_clear_exit_deadline(void) { rt_store(&watchdog.exit_at, 0); }

/* --- the bell --------------------------------------------------------------------------------- */
static void close_watchdog_handles(void) {
  uv_close((uv_handle_t *)&watchdog.check_timer, NULL);
  uv_close((uv_handle_t *)&watchdog.exit_timer, NULL);
  uv_close((uv_handle_t *)&watchdog.bell, NULL);
}

static void on_watchdog_bell(uv_async_t *bell) {
  (void)bell;
  if (rt_load(&watchdog.stop_requested)) {
    close_watchdog_handles();
    return;
  }
  on_exit_timer(&watchdog.exit_timer);
  void (*f)(void) = rt_load(&watchdog.on_dump_request);
  if (rt_swap(&watchdog.dump_requested, false) && f) f();
  rt_store(&watchdog.asleep, false);
  if (watchdog.period == 0) set_period(period_for(RT_STALL));
}

static void watchdog_main(void *arg) {
  (void)arg;
  uv_run(&watchdog.loop, UV_RUN_DEFAULT);
}

/* --- starting and stopping -------------------------------------------------------------------- */
static bool start_watchdog_locked(void) {
  if (rt_uv_loop_init(&watchdog.loop, &watchdog.bell, on_watchdog_bell) != 0) return false;
  uv_timer_init(&watchdog.loop, &watchdog.check_timer);
  uv_timer_init(&watchdog.loop, &watchdog.exit_timer);
  watchdog.period = 0;
  rt_store(&watchdog.exit_at, 0);
  rt_store(&watchdog.stop_requested, false);
  rt_store(&watchdog.asleep, false);
  if (rt_thread_start(&watchdog.thread, STACK_SIZE, watchdog_main, NULL) != 0) goto no_thread;
  rt_store(&watchdog.running, true);
  return true;
no_thread:
  close_watchdog_handles();
  uv_run(&watchdog.loop, UV_RUN_DEFAULT);
  uv_loop_close(&watchdog.loop);
  return false;
}

static void stop_watchdog_locked(void) {
  rt_store(&watchdog.running, false);
  rt_store(&watchdog.stop_requested, true);
  uv_async_send(&watchdog.bell);
  rt_thread_join(watchdog.thread);
  uv_loop_close(&watchdog.loop);
}

/* (In a child of fork the thread does not exist, and the parent reads the bell.) */
bool rt_watchdog_add(rt_worker_status *s) {
  if (rt_fork_is_child()) return false;
  if (s->in_watchdog) {
    uv_async_send(&watchdog.bell); /* it may sleep, since nothing was to be watched before */
    return true;
  }
  s->in_watchdog = true;
  rt_lock_take(&watchdog.lock);
  if (watchdog.workers > 0 || start_watchdog_locked())
    watchdog.workers++;
  else
    s->in_watchdog = false;
  bool added = s->in_watchdog;
  if (added) uv_async_send(&watchdog.bell);
  rt_lock_give(&watchdog.lock);
  return added;
}

void rt_watchdog_remove(rt_worker_status *s) {
  if (!s->in_watchdog || rt_fork_is_child()) return;
  s->in_watchdog = false;
  rt_lock_take(&watchdog.lock);
  if (--watchdog.workers == 0) stop_watchdog_locked();
  rt_lock_give(&watchdog.lock);
}

void rt_watchdog_wake(rt_worker_status *s) {
  rt_store(&s->must_wake_watchdog, false);
  if (rt_load(&watchdog.asleep) && s->in_watchdog && !rt_fork_is_child())
    uv_async_send(&watchdog.bell);
}

bool rt_watchdog_request_dump(void) {
  if (!rt_load(&watchdog.running) || rt_fork_is_child()) return false;
  rt_store(&watchdog.dump_requested, true);
  uv_async_send(&watchdog.bell);
  return true;
}

void rt_watchdog_on_stuck(bool (*f)(uint64_t now)) {
  rt_store(&watchdog.on_stuck, f);
  if (f && rt_load(&watchdog.running)) uv_async_send(&watchdog.bell);
}

void rt_watchdog_on_dump_request(void (*f)(void)) { rt_store(&watchdog.on_dump_request, f); }
