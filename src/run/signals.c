#include "run/signals.h"

#include "base/safe_write.h"
#include "base/wall_timer.h"
#include "event/cancel_scope.h"
#include "run/blocked.h"
#include "run/cancel.h"
#include "run/current.h"
#include "run/dump_signal.h"
#include "run/exit.h"
#include "run/preempt.h"
#include "task/task_title.h"
#include "worker/pending_close.h"

#include <stdio.h>
#include <unistd.h>

/* A signal handler gets no argument, so these are global: the worker of the first state of the
** process, and the rest of this file. All of it belongs to the thread of that worker. */
static rt_worker *volatile worker;
static bool sharing;
static struct sigaction host_action;

#define TICK (50 * RT_MILLISECOND)
#define FORCE_TIME (RT_SECOND / 2) /* for what is ended by force, at the end of the grace */
#define FLUSH_TIME (RT_SECOND / 5)

/* Written by the handlers. */
static volatile sig_atomic_t last_signal;    /* SIGINT or SIGTERM; 0: none has come */
static volatile sig_atomic_t ending_by;      /* the signal that ends the process; 0: none does */
static volatile uint64_t must_end_at;        /* clock: what has not unwound is ended by force */
static volatile uint64_t must_be_flushed_at; /* clock; 0: end_by_force has not begun */
enum { NO_COMMAND, COMMAND_RUNS, COMMAND_SEES_SIGINT };
static volatile sig_atomic_t command; /* does os.execute run one? */
/* Written outside of them. */
static volatile sig_atomic_t dying_of; /* the process is to die of this signal at its end; 0: no */
static bool prompting;                 /* SIGINT ends a statement, and not the session */

/* --- the end of the process ------------------------------------------------------------------- */
static const char *signal_name(int sig) { return sig == SIGINT ? "SIGINT" : "SIGTERM"; }

/* Ends the process by the default action of the signal, so that its parent sees what has ended
** it: a shell ends its loop after Ctrl-C. Also in signal handlers. */
__attribute__((noreturn)) static void die(int sig) {
  struct sigaction sa = {.sa_handler = SIG_DFL};
  sigset_t set;
  sigemptyset(&sa.sa_mask);
  sigaction(sig, &sa, NULL);
  sigemptyset(&set);
  sigaddset(&set, sig);
  raise(sig);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  _exit(128 + sig);
}

/* exit calls this after all functions of atexit that were registered later. */
static void die_at_exit(void) {
  if (dying_of == 0) return;
  rt_safe_write_flush_all();
  die(dying_of);
}

void rt_signals_die_at_exit(const rt_worker *w) {
  rt_worker_assert_thread(w);
  if (w->signals.interrupted) dying_of = w->signals.interrupted;
}

/* In the handler: what runs is in a C function that does not return, or loops where no hook is
** called. The flush is not async-signal-safe: it may block, so a later tick ends it. (If stdout was
** interrupted in the middle of a write of this thread, bytes of it may be written twice.) */
static void end_by_force(void) {
  rt_worker *w = worker;
  /* (At the prompt SIGINT ends a statement only, and rt.shutdown may end the process meanwhile.) */
  int sig = ending_by != 0 ? ending_by : last_signal;
  sigset_t tick;
  if (must_be_flushed_at != 0) {
    if (rt_clock() >= must_be_flushed_at) die(sig);
    return;
  }
  must_be_flushed_at = rt_clock() + FLUSH_TIME;
  sigemptyset(&tick);
  sigaddset(&tick, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &tick, NULL);
  if (w != NULL) {
    char text[256];
    size_t n = rt_task_title_append(text, 0, sizeof text, "rt: ");
    n = rt_task_title_append(text, n, sizeof text, signal_name(sig));
    n = rt_task_title_append(text, n, sizeof text, ": the program ends without its cleanup: ");
    n = rt_current_append_title(text, n, sizeof text - 1, w);
    text[n++] = '\n';
    if (write(STDERR_FILENO, text, n) < 0) die(sig);
  }
  rt_safe_write_flush(stdout);
  die(sig);
}

/* --- SIGINT and SIGTERM ----------------------------------------------------------------------- */
/* The main chunk runs. It gets the error that lua.c raises, once; inside a shield it gets none. At
** the end of the grace it is ended where it is. (In lua_close that is not possible any more: then
** each tick raises.) */
static void stop_main(lua_State *L, rt_worker *w, rt_task *t) {
  if (!w->signals.over) {
    if (w->signals.noticed || rt_cancel_scope_is_protected(t)) return;
  } else if (!w->stop.begun) {
    rtL_signals_force(w, L);
  }
  w->signals.noticed = 1;
  luaL_error(L, "interrupted! (%s)", signal_name(w->signals.interrupted));
}

/* A task is ended by the signal only because the main chunk, which is to end, has to wait for it.
** It is left alone while the main chunk waits in a shield, in which it does not end. (In a critical
** section a wait is ended as any other: that of rt.scope for its tasks is in one.) */
static bool is_protected(const rt_worker *w, const rt_task *t) {
  return rt_cancel_scope_is_protected(t) ||
         (!t->is_main && w->main != NULL && rt_cancel_scope_is_shielded(w->main));
}

/* Can the main chunk be ended here, with nothing on its way to a <close> variable? Before an
** instruction, or before a function that a C function calls. (Not after it: what it returns may
** have to be closed.) */
static bool can_end(lua_State *L, lua_Debug *ar) {
  lua_Debug caller;
  if (ar->event == LUA_HOOKCOUNT) return !rtL_pending_close(L, ar);
  if (ar->event != LUA_HOOKCALL) return false;
  return lua_getstack(L, 1, &caller) && lua_getinfo(L, "S", &caller) && *caller.what == 'C';
}

/* Called at the next instruction of the coroutine that runs. A task is cancelled. */
static void stop_hook(lua_State *L, lua_Debug *ar) {
  rt_worker *w = worker;
  rt_task *t = w ? w->current.task : NULL;
  bool is_main = t == NULL || t->is_main;
  if (is_main) lua_sethook(L, NULL, 0, 0);
  if (t == NULL || !w->signals.interrupted) return;
  if (!is_main && !w->signals.over && is_protected(w, t)) {
    lua_sethook(L, NULL, 0, 0);
  } else if (!is_main) {
    rtL_cancel_by_signal(L, w, t);
    if (ar->event != LUA_HOOKCOUNT || !rtL_preempt_decide(L, ar, w)) lua_sethook(L, NULL, 0, 0);
  } else if (w->signals.over || can_end(L, ar)) {
    stop_main(L, w, t);
  } else {
    lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1);
  }
}

/* In the main chunk, calls count, too: a C function may call others for long. A task can be ended
** between two instructions only. */
static void set_stop_hook(const rt_worker *w) {
  int masks = LUA_MASKCALL | LUA_MASKCOUNT;
  if (w->current.co == NULL) return;
  if (w->current.task && !w->current.task->is_main) masks = LUA_MASKCOUNT;
  lua_sethook(w->current.co, stop_hook, masks, 1);
}

/* Steps 1 to 4 of run/signals.h. */
static void on_tick(void) {
  rt_worker *w = worker;
  uint64_t now = rt_clock();
  if (w != NULL && w->shutdown.deadline) must_end_at = w->shutdown.deadline;
  bool over = now >= must_end_at, urgent = over || (w != NULL && !w->signals.noticed);
  if (over && now >= must_end_at + FORCE_TIME) end_by_force();
  bool interrupt = rt_wall_timer_was_blocked() && urgent;
  if (w != NULL && urgent) {
    if (over) w->signals.over = 1;
    set_stop_hook(w);
    if (interrupt && !over && w->current.task) interrupt = !is_protected(w, w->current.task);
    if (interrupt) w->signals.interrupts++;
  }
  if (w != NULL && (urgent || !w->stop.begun)) rt_driver_ring(&w->driver);
  rt_wall_timer_set_interrupting(interrupt);
}

/* The process is to end within the grace. */
static void begin_end(int sig) {
  ending_by = sig;
  must_end_at = rt_clock() + RT_GRACE - FORCE_TIME;
}

static void on_signal(int sig) {
  rt_worker *w = worker;
  int err = errno;
  if (w != NULL && !rt_thread_is_current(w->thread)) { /* a thread of a library has received it */
    pthread_kill(w->thread, sig);
    return;
  }
  if (ending_by != 0 || (w != NULL && w->signals.interrupted)) die(sig);
  last_signal = sig;
  if (w != NULL) {
    w->signals.interrupted = sig;
    set_stop_hook(w);
    rt_driver_ring(&w->driver);
  }
  if (!sharing) {
    if (w == NULL || w->stop.begun) dying_of = sig; /* the program has ended, and is being closed */
    must_end_at = RT_NO_TIME;
    if (!(prompting && sig == SIGINT)) begin_end(sig);
    rt_wall_timer_start(TICK);
  }
  errno = err;
}

#ifdef SI_KERNEL
static bool is_from_keyboard(const siginfo_t *info) { return info->si_code == SI_KERNEL; }
#else
static bool is_from_keyboard(const siginfo_t *info) { return (void)info, false; }
#endif

/* The handler of rt-lua. */
static void on_own_signal(int sig, siginfo_t *info, void *context) {
  (void)context;
  if (sig == SIGINT && command == COMMAND_RUNS && is_from_keyboard(info))
    command = COMMAND_SEES_SIGINT;
  else if (command != COMMAND_SEES_SIGINT || sig != SIGINT || !is_from_keyboard(info))
    on_signal(sig);
}

void rt_signals_command_begin(rt_worker *w) {
  rt_worker_assert_thread(w);
  command = COMMAND_RUNS;
}

void rt_signals_command_end(rt_worker *w, bool interrupted) {
  rt_worker_assert_thread(w);
  bool seen = command == COMMAND_SEES_SIGINT;
  command = NO_COMMAND;
  if (seen && interrupted) raise(SIGINT);
}

static void on_shared_signal(int sig) {
  rt_worker *w = worker;
  bool main_runs = w == NULL || (w->current.task != NULL && w->current.task->is_main);
  if (!main_runs)
    on_signal(sig);
  else if (host_action.sa_handler == SIG_DFL)
    die(sig);
  else if (host_action.sa_handler != SIG_IGN)
    host_action.sa_handler(sig);
}

uint64_t rt_signals_time_left(const rt_worker *w) {
  rt_worker_assert_thread(w);
  uint64_t now = rt_clock();
  if (ending_by == 0) return UINT64_MAX;
  return must_end_at > now ? must_end_at - now : 0;
}

void rtL_signals_force(rt_worker *w, lua_State *L) {
  rt_worker_assert_thread(w);
  if (!w->exit.has_code) dying_of = w->signals.interrupted;
  rt_exit_request(w, 128 + w->signals.interrupted);
  w->hooks->leave(w, L);
}

void rt_signals_set_prompting(rt_worker *w, bool on) {
  rt_worker_assert_thread(w);
  prompting = on;
  if (!on && w->signals.interrupted && ending_by == 0) begin_end(w->signals.interrupted);
}

void rt_signals_forgive(rt_worker *w) {
  rt_worker_assert_thread(w);
  rt_wall_timer_stop();
  w->signals.interrupted = w->signals.noticed = 0;
  rt_blocked_forget_signal(w);
}

/* --- beginning and end ------------------------------------------------------------------------ */
static void on_quit(int sig) {
  int err = errno;
  (void)sig;
  rt_dump_signal_ask(worker);
  errno = err;
}

static void set_action(int sig, struct sigaction sa, struct sigaction *old) {
  sigemptyset(&sa.sa_mask);
  if (sigaction(sig, &sa, old) == 0) return;
  fprintf(stderr, "rt: no handler for signal %d: %s: %s\n", sig, rt_system_error_name(-errno),
          rt_system_error_text(-errno));
}

static void set_handler(int sig, void (*handler)(int), struct sigaction *old) {
  set_action(sig, (struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, old);
}

void rt_signals_own(rt_worker *w) {
  rt_worker_assert_thread(w);
  atexit(die_at_exit);
  rt_wall_timer_open(on_tick);
  sharing = false;
  worker = w;
  struct sigaction sa = {.sa_sigaction = on_own_signal, .sa_flags = SA_RESTART | SA_SIGINFO};
  set_action(SIGINT, sa, NULL);
  set_action(SIGTERM, sa, NULL);
  rt_dump_signal_open();
  set_handler(SIGQUIT, on_quit, NULL);
}

void rt_signals_share(rt_worker *w) {
  rt_worker_assert_thread(w);
  struct sigaction now;
  if (worker != NULL) return;
  if (sigaction(SIGINT, NULL, &now) != 0) return;
  if (now.sa_flags & SA_SIGINFO || now.sa_handler == SIG_IGN) return; /* the host has decided */
  worker = w;
  if (sharing) return;
  sharing = true;
  set_handler(SIGINT, on_shared_signal, &host_action);
}

/* (SIGURG and SIGALRM come from timers, which a child of fork has not.) */
void rt_signals_leave(rt_worker *w) {
  static const int own[] = {SIGINT, SIGTERM, SIGQUIT};
  rt_worker_assert_thread(w);
  if (worker == NULL) return;
  worker = NULL;
  if (sharing)
    sigaction(SIGINT, &host_action, NULL);
  else
    for (size_t i = 0; i < rt_countof(own); i++) signal(own[i], SIG_DFL);
}

void rt_signals_forget(rt_worker *w) {
  rt_worker_assert_thread(w);
  if (worker == w) worker = NULL;
}
