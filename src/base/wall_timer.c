#include "base/wall_timer.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#if defined(__linux__) && defined(SIGEV_THREAD_ID)
#define HAS_THREAD_TIMER 1
#include <sys/syscall.h>
#include <unistd.h>
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif
#else
#define HAS_THREAD_TIMER 0
#endif

/* Of the thread of the timer. */
static void (*on_wall_tick)(void);
static volatile sig_atomic_t running;
#if HAS_THREAD_TIMER
static bool has_timer;
static timer_t wall_timer;
#endif

static void on_wall_signal(int sig) {
  int err = errno;
  (void)sig;
  if (running) on_wall_tick();
  errno = err;
}

void rt_wall_timer_open(void (*f)(void)) {
  on_wall_tick = f;
  sigset_t tick; /* the parent of the process may have blocked it, which exec keeps */
  sigemptyset(&tick);
  sigaddset(&tick, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &tick, NULL);
#if HAS_THREAD_TIMER
  struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
  how.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  has_timer = timer_create(CLOCK_MONOTONIC, &how, &wall_timer) == 0;
#endif
}

static void set_wall_timer(uint64_t period) {
  time_t s = (time_t)(period / RT_SECOND);
  long ns = (long)(period % RT_SECOND);
#if HAS_THREAD_TIMER
  struct itimerspec at = {{s, ns}, {s, ns}};
  if (has_timer && timer_settime(wall_timer, 0, &at, NULL) == 0) return;
#endif
  struct itimerval each = {{s, (suseconds_t)(ns / 1000)}, {s, (suseconds_t)(ns / 1000)}};
  setitimer(ITIMER_REAL, &each, NULL);
}

void rt_wall_timer_set_interrupting(bool interrupting) {
  struct sigaction sa = {.sa_handler = on_wall_signal, .sa_flags = interrupting ? 0 : SA_RESTART};
  sigemptyset(&sa.sa_mask);
  sigaction(SIGALRM, &sa, NULL);
}

void rt_wall_timer_start(uint64_t period) {
  running = 1;
  rt_wall_timer_was_blocked();
  rt_wall_timer_set_interrupting(false);
  set_wall_timer(period);
}

void rt_wall_timer_stop(void) {
  running = 0;
  set_wall_timer(0);
}

#ifdef RUSAGE_THREAD
bool rt_wall_timer_was_blocked(void) {
  static long before;
  struct rusage now;
  if (getrusage(RUSAGE_THREAD, &now) != 0) return true;
  long sleeps = now.ru_nvcsw - before;
  before = now.ru_nvcsw;
  return sleeps == 1;
}
#else
bool rt_wall_timer_was_blocked(void) { return true; }
#endif
