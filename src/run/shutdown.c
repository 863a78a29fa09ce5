#include "run/shutdown.h"

#include "diag/watchdog.h"
#include "event/cancel_scope.h"
#include "run/exit.h"
#include "run/grace_timer.h"

static void ask_to_exit(rt_worker *w) {
  rt_exit_request(w, w->exit.failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* The main chunk is still unwinding, or has swallowed its cancel: the state is closed from where it
** waits. */
static void on_grace_over(rt_timer_call *call) {
  rt_worker *w = rt_grace_timer_worker(call);
  if (!w->stop.begun) ask_to_exit(w);
}

bool rt_shutdown_is_over(const rt_worker *w) {
  rt_worker_assert_thread(w);
  return w->shutdown.deadline && !w->stop.begun && rt_clock() >= w->shutdown.deadline;
}

void rtL_shutdown_force(rt_worker *w, lua_State *L) {
  rt_worker_assert_thread(w);
  ask_to_exit(w);
  w->hooks->leave(w, L);
}

/* The time (rt_clock) that is 'grace' ns from now. */
static uint64_t end_after(uint64_t grace) {
  uint64_t now = rt_clock();
  return grace < INT64_MAX - now ? now + grace : INT64_MAX;
}

static void set_limit(rt_worker *w, uint64_t ends_at) {
  rt_driver *d = &w->driver;
  w->shutdown.deadline = ends_at;
  uint64_t now = rt_clock(), due = rt_driver_after(d, ends_at > now ? ends_at - now : 0);
  if (due != RT_NEVER)
    rt_grace_timer_set(w, on_grace_over, due);
  else
    rt_grace_timer_clear(w);
}

static void begin_shutdown(rt_worker *w, uint64_t grace) {
  uint64_t ends_at = end_after(grace);
  bool first = w->shutdown.deadline == 0;
  if (w->stop.begun || (!first && w->shutdown.deadline <= ends_at)) return;
  set_limit(w, ends_at);
  if (!first || w->main->cancelled) return;
  w->main->cancelled = 1;
  rt_cancel_scope_deliver(w->main, &w->driver);
}

void rt_shutdown_on_post(rt_post *p, void *driver) {
  rt_runtime *r = rt_containerof(p, rt_runtime, shutdown_post);
  begin_shutdown(rt_worker_of(driver), rt_runtime_shutdown_received(r));
}

/* Has the watchdog end the process if the main worker does not: in rt-lua only. In another host the
** main thread may rightly be in a loop of its own. */
static void set_exit_deadline(const rt_worker *w, uint64_t grace) {
  if (w->in_rt_lua && grace < RT_NEVER / 2)
    rt_watchdog_set_exit_deadline(end_after(grace) + RT_SECOND,
                                  w->exit.failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

void rt_shutdown(rt_worker *w, uint64_t grace) {
  rt_worker_assert_thread(w);
  set_exit_deadline(w, grace);
  if (w->slot)
    rt_runtime_request_shutdown(w->slot->sched->config.runtime, grace);
  else
    begin_shutdown(w, grace);
}
