/* Looking for a deadlock: why none is missed, and why none is reported that is not one.
**
** A thread of the runtime is still while it blocks and only a post can wake it: no task is ready,
** no timer is set, and no task waits for a libuv handle. Otherwise it is active, and is counted in
** rt_active_threads (event/active_threads.h). There is a deadlock when all threads are still, and
** nothing is on its way that wakes a task.
**
** 1. A thread enters the count before it can do anything: the thread that starts it enters for it.
** 2. To become still, a thread first puts the mark in its empty mailbox (rt_mailbox_sleep), and
**    then leaves the count. It blocks after that (block_still in event/driver.c). When it is woken,
**    it first enters the count.
** 3. A thread that has left the count submits no job, and posts only these two, both to the main
**    worker:
**    - stillness_post, if it was the last to leave (suspect_in_pool, rt_runtime_thread_ended). It
**      wakes no task. It wakes the main worker, which enters the count and checks (is_deadlock).
**    - ended_post, if it ends. It wakes the main chunk only when the end of the program has begun,
**      and from then on no deadlock is looked for (is_woken_from_outside).
**    So what can wake a task of a still thread (another post, a job) was sent by a thread while
**    that was active, or comes from outside of the runtime (a signal, the watchdog, a thread pool;
**    a task that waits for a thread pool has a libuv handle, so its worker is not still).
** 4. None is missed. Let rt_active_threads_leave return true: no thread is active. By 2 and 3, each
**    thread either has the mark in its mailbox, and nothing will wake it; or it was rung for, will
**    enter, and will leave again. So the last leave of all, apart from those that stillness_post
**    causes, finds all mailboxes asleep and no job queued, and the main worker checks: at once if
**    the leave was its own, else because it gets stillness_post. That post does not spoil the
**    argument: it changes no mailbox but the main worker's, no queue, and no task. Threads that
**    leave last while it is on its way need not post another, since the main worker checks after
**    it has received it, so after they have left. If the check fails because a thread is active
**    again, that thread leaves later, and the argument applies to that leave. Other last leaves
**    find a mailbox that is not asleep, or a queued job, and do nothing.
** 5. None is false. The thread that checks is the main worker, which is active. It reads the word
**    of the count, looks at its own driver, the mailboxes of the pools and their queues one after
**    the other, and reads the word again. If both words are the same, and say that one thread is
**    active, then no thread has entered in between, because the word counts the entries. So all
**    other threads had left the count during all of it, and by 3 they have sent nothing that wakes
**    a task. What was seen one after the other was therefore true at the same time. A
**    stillness_post may arrive meanwhile, from a thread that is still on its way to blocking: it
**    comes to the main worker, not to a mailbox that was looked at, and causes one more check.
** 6. What tasks wait for may be held by garbage: a permit or a guard that was dropped gives back
**    what it has when it is collected. So the first check that finds a deadlock has all workers
**    collect their garbage, and reports nothing: the main worker posts to the others while it is
**    active (so 3 holds, and by 4 another check follows). A later check reports the deadlock if no
**    task has been resumed since that collection began; then no task can have made garbage after
**    it. No worker can be still before it has collected, since a mailbox with a post is not asleep,
**    and a worker that got the post collects before it blocks.
**
** All accesses are sequentially consistent: 2 and 4 need one order of the marks, the count and the
** looks at both.
**
** spec/model/active_threads.c checks this in all schedules, with a stillness_post that a still
** thread sends.
*/
#include "run/deadlock.h"

#include "run/dump.h"
#include "run/exit.h"
#include "run/idle_gc.h"

/* --- detecting -------------------------------------------------------------------------------- */
static bool are_pools_asleep(const rt_worker *w) {
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which] && !rt_sched_is_asleep(w->pools[which])) return false;
  return true;
}

/* Does something outside of the runtime end the main chunk's wait: input at the prompt, or the
** grace? */
static bool is_woken_from_outside(const rt_worker *w) {
  return w->stop.begun || w->main->phase != RT_WAITING || w->main->op == RT_OP_STDIN;
}

static bool suspect_in_main(rt_worker *w) {
  w->deadlock.suspected = !is_woken_from_outside(w) && are_pools_asleep(w);
  return !w->deadlock.suspected;
}

static void suspect_in_pool(rt_worker *w) {
  rt_runtime *r = w->slot->sched->config.runtime;
  if (rt_runtime_main_is_asleep(r) && are_pools_asleep(w)) rt_runtime_post_stillness(r);
}

bool rt_deadlock_on_stillness(rt_driver *d) {
  rt_worker *w = rt_worker_of(d);
  if (w->slot == NULL) return suspect_in_main(w);
  suspect_in_pool(w);
  return true;
}

void rt_deadlock_on_report(rt_post *p, void *driver) {
  rt_runtime_stillness_received(rt_containerof(p, rt_runtime, stillness_post));
  rt_worker_of(driver)->deadlock.suspected = true;
}

/* Has this worker something to do, now or as soon as it polls? */
static bool has_something_to_do(rt_worker *w) {
  rt_driver *d = &w->driver;
  return !rt_ready_is_idle(&d->ready) || rt_load(&d->mailbox.newest) != NULL || w->exit.requested ||
         (w->signals.interrupted && !w->main->cancelled) || !rt_driver_awaits_only_posts(d);
}

/* The word is read before and after the checks: see 5 above. */
static bool is_deadlock(rt_worker *w) {
  uint64_t before = w->runtime ? rt_active_threads_read(&w->runtime->active) : 0;
  if (is_woken_from_outside(w) || has_something_to_do(w)) return false;
  if (w->runtime == NULL) return true;
  return rt_active_threads_number(before) == 1 && are_pools_asleep(w) &&
         rt_active_threads_read(&w->runtime->active) == before;
}

/* How often tasks have been resumed on all workers, which are still. (Relaxed: see
** rt_sched_resumes.) */
static uint64_t count_resumes(const rt_worker *w) {
  uint64_t n = rt_load_relaxed(&w->driver.counters->of[RT_COUNT_RESUMES]);
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which]) n += rt_sched_resumes(w->pools[which]);
  return n;
}

/* Has every worker collect its garbage. False: all have, and no task has been resumed since. */
static bool collect(rt_worker *w) {
  uint64_t now = count_resumes(w) + 1;
  if (w->deadlock.collected == now) return false;
  w->deadlock.collected = now;
  for (int which = 0; which < RT_POOLS; which++)
    if (w->pools[which]) rt_sched_collect(w->pools[which]);
  rt_idle_gc_run(w);
  return true;
}

/* --- reporting -------------------------------------------------------------------------------- */
#define ADVICE "no task can go on, and no timer, socket or job is left that could wake one"

static void report_deadlock(rt_worker *w) {
  fputs("rt: deadlock: " ADVICE "\n", stderr);
  rt_dump_write(w, stderr);
}

/* A program that catches the error and runs into the next deadlock is ended at the fourth. */
enum { FORGIVEN_MAX = 3 };

void rt_deadlock_examine(rt_worker *w) {
  rt_worker_assert_thread(w);
  w->deadlock.suspected = false;
  if (!is_deadlock(w) || collect(w)) return;
  report_deadlock(w);
  rt_exit_fail(w);
  if (++w->deadlock.reports > FORGIVEN_MAX) {
    rt_exit_request(w, EXIT_FAILURE);
    return;
  }
  w->deadlock.to_raise = true;
  rt_driver_wake(&w->driver, w->main, RT_WITHDRAWN);
}

int rtL_deadlock_raise(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  w->deadlock.to_raise = false;
  return rtL_call_site_error(L, &w->call_sites, "deadlock: " ADVICE);
}
