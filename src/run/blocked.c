#include "run/blocked.h"

enum {
  CHECKS_BEFORE_SIGNAL = 2, /* a call that takes a moment may return by itself */
  CHECKS_MAX = 6            /* then the worker is not waited for any more */
};
#define CPU_MAX RT_MILLISECOND /* that a blocked thread uses, for the signals */

static uint64_t blocked_title(const rt_worker_status *s) {
  return rt_load(&s->running_title) & ~RT_TITLE_SEEN;
}

static bool is_member(const rt_worker *w, const rt_worker_status *s) {
  return s != &w->status && s->runtime == w->runtime;
}

/* The workers whose calls are interrupted at one check. */
enum { INTERRUPTS_MAX = RT_POOLS * RT_SLOTS_MAX };

/* Those that are asked get their signal when the others have got theirs: else it would interrupt
** their calls, too. */
typedef struct interrupts {
  rt_cpu_timer *timers[INTERRUPTS_MAX];
  int count;
  rt_worker_status *asked[INTERRUPTS_MAX];
  int asked_count;
} interrupts;

static void interrupt(interrupts *all, const rt_worker_status *s) {
  if (s->cpu_timer == NULL || all->count == INTERRUPTS_MAX) return;
  if (all->count == 0) rt_cpu_timer_begin_interrupts();
  all->timers[all->count++] = s->cpu_timer;
  rt_cpu_timer_interrupt(s->cpu_timer, s->thread_info.thread);
}

/* Asks the worker at the end of the check, unless its call would end early by that. The handler of
** the signal sets is_protected and awaits_cancel before the next check. */
static void ask_worker(interrupts *all, rt_worker_status *s) {
  rt_store(&s->is_protected, false);
  rt_store(&s->awaits_cancel, false);
  if (s->cpu_timer && all->asked_count < INTERRUPTS_MAX &&
      rt_thread_info_restarts_syscall(&s->thread_info))
    all->asked[all->asked_count++] = s;
}

static void end_check(interrupts *all) {
  if (all->count > 0) rt_cpu_timer_end_interrupts(all->timers, all->count);
  for (int i = 0; i < all->asked_count; i++)
    rt_cpu_timer_nudge(all->asked[i]->cpu_timer, all->asked[i]->thread_info.thread);
}

/* --- before the end --------------------------------------------------------------------------- */
/* Does the task that runs there await its cancel? Once the answer has come it holds as long as the
** worker is blocked in that call, and is taken back when the error is raised: so the second check
** interrupts no call of a cleanup. */
static void check_cancelled(rt_worker_status *s, interrupts *to) {
  rt_store(&s->main_is_ending, true); /* first: the hook reads it when the call has ended */
  uint64_t title = blocked_title(s), before = s->at_end.title;
  bool blocked = title != 0 && rt_thread_info_state(&s->thread_info) == RT_THREAD_BLOCKED;
  s->at_end.title = blocked ? title : 0;
  if (!blocked) return;
  if (title == before && rt_load(&s->awaits_cancel)) {
    interrupt(to, s);
  } else {
    ask_worker(to, s);
  }
}

void rt_blocked_check_cancelled(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status *s;
  interrupts sent = {.count = 0, .asked_count = 0};
  uint64_t now = rt_clock();
  if (w->runtime == NULL || w->driver.vthread) return;
  if (now - w->blocked.checked_at < RT_BLOCKED_PERIOD) return;
  w->blocked.checked_at = now;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) if (is_member(w, s)) check_cancelled(s, &sent);
  end_check(&sent);
  rt_worker_registry_unlock();
}

void rt_blocked_forget_signal(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status *s;
  if (w->runtime == NULL) return;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) if (is_member(w, s)) rt_store(&s->main_is_ending, false);
  rt_worker_registry_unlock();
}

/* --- at the end ------------------------------------------------------------------------------- */
void rt_blocked_begin(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status *s;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) {
    if (!is_member(w, s)) continue;
    s->at_end.title = blocked_title(s);
    s->at_end.cpu = rt_thread_info_cpu(&s->thread_info);
    s->at_end.checks = 0;
    s->at_end.alive = false;
  }
  rt_worker_registry_unlock();
}

/* Is the worker still in the call in which it was when the program began to end? If there is no
** descriptor to find out, the next check may have one. */
static bool is_still_blocked(rt_worker_status *s) {
  if (s->at_end.alive || s->at_end.title == 0) return false;
  rt_thread_state state = rt_thread_info_state(&s->thread_info);
  bool same = blocked_title(s) == s->at_end.title && state != RT_THREAD_RUNS &&
              rt_thread_info_cpu(&s->thread_info) - s->at_end.cpu < CPU_MAX;
  if (!same) s->at_end.alive = true;
  return same && state == RT_THREAD_BLOCKED;
}

/* Returns whether the worker has been blocked for too long. */
static bool check_member(rt_worker_status *s, interrupts *to) {
  if (!is_still_blocked(s)) return false;
  if (s->at_end.checks > 0 && rt_load(&s->is_protected)) s->at_end.checks = 0;
  s->at_end.checks++;
  if (s->at_end.checks < CHECKS_BEFORE_SIGNAL)
    ask_worker(to, s);
  else
    interrupt(to, s);
  return s->at_end.checks >= CHECKS_MAX;
}

bool rt_blocked_check(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status *s;
  interrupts sent = {.count = 0, .asked_count = 0};
  bool any = false, all = true;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) {
    if (!is_member(w, s)) continue;
    any = true;
    if (!check_member(s, &sent)) all = false;
  }
  end_check(&sent);
  rt_worker_registry_unlock();
  return any && all;
}
