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

/* The workers whose calls are interrupted at one check. */
enum { INTERRUPTS_MAX = RT_POOLS * RT_SLOTS_MAX };

typedef struct interrupts {
  rt_cpu_timer *timers[INTERRUPTS_MAX];
  int count;
} interrupts;

static void interrupt(interrupts *all, const rt_worker_status *s) {
  if (s->cpu_timer == NULL || all->count == INTERRUPTS_MAX) return;
  if (all->count == 0) rt_cpu_timer_begin_interrupts();
  all->timers[all->count++] = s->cpu_timer;
  rt_cpu_timer_interrupt(s->cpu_timer, s->thread_info.thread);
}

/* The handler of the signal sets is_protected before the next check. */
static void ask_if_protected(rt_worker_status *s) {
  rt_store(&s->is_protected, false);
  if (s->cpu_timer && rt_thread_info_restarts_syscall(&s->thread_info))
    rt_cpu_timer_nudge(s->cpu_timer, s->thread_info.thread);
}

/* Returns whether the worker has been blocked for too long. */
static bool check_member(rt_worker_status *s, interrupts *to) {
  if (!is_still_blocked(s)) return false;
  if (s->at_end.checks > 0 && rt_load(&s->is_protected)) s->at_end.checks = 0;
  s->at_end.checks++;
  if (s->at_end.checks < CHECKS_BEFORE_SIGNAL)
    ask_if_protected(s);
  else
    interrupt(to, s);
  return s->at_end.checks >= CHECKS_MAX;
}

bool rt_blocked_check(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_worker_status *s;
  interrupts sent = {.count = 0};
  bool any = false, all = true;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(s, workers) {
    if (!is_member(w, s)) continue;
    any = true;
    if (!check_member(s, &sent)) all = false;
  }
  if (sent.count > 0) rt_cpu_timer_end_interrupts(sent.timers, sent.count);
  rt_worker_registry_unlock();
  return any && all;
}
