#include "base/cpu_timer.h"

#if RT_HAS_CPU_TIMER

#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define DEFAULT_PERIOD (5 * RT_MILLISECOND)

/* The external timer of this thread. (rt_cpu_timer_start sets it, too: the first access of a thread
** may allocate memory, which a signal handler must not.) */
static _Thread_local rt_cpu_timer *external;

/* A signal for an external timer has no value: at the limit of pending signals, which is one reason
** why there is no other timer, the kernel drops what belongs to a signal. */
static void call_timer(rt_cpu_timer *timer, bool nudged) {
  bool interrupted = nudged && rt_swap(&timer->interrupted, false);
  timer->f(timer, interrupted ? RT_CPU_TIMER_INTERRUPT
                  : nudged    ? RT_CPU_TIMER_NUDGE
                              : RT_CPU_TIMER_TICK);
}

static void on_cpu_timer_signal(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)context;
  int err = errno;
  bool nudged = info->si_code == SI_QUEUE && info->si_pid == getpid();
  if (external != NULL) {
    call_timer(external, rt_swap(&external->nudged, false));
  } else if (info->si_code == SI_TIMER || nudged) {
    call_timer(info->si_value.sival_ptr, nudged);
  }
  errno = err;
}

/* The handler stays installed after the last timer is stopped, and is not called then. */
static int install_handler(void) {
  struct sigaction sa = {.sa_sigaction = on_cpu_timer_signal, .sa_flags = SA_SIGINFO | SA_RESTART},
                   now;
  if (sigaction(SIGURG, NULL, &now) != 0) return -errno;
  if (now.sa_flags & SA_SIGINFO) return now.sa_sigaction == on_cpu_timer_signal ? 0 : -EBUSY;
  if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN) return -EBUSY;
  sigemptyset(&sa.sa_mask);
  return sigaction(SIGURG, &sa, NULL) == 0 ? 0 : -errno;
}

static void unblock_signal(void) {
  sigset_t urgent;
  sigemptyset(&urgent);
  sigaddset(&urgent, SIGURG);
  pthread_sigmask(SIG_UNBLOCK, &urgent, NULL);
}

static uint64_t period(void) {
  const char *text = getenv("RT_TICK_US");
  long us = text ? strtol(text, NULL, 10) : 0;
  return us > 0 && us <= 1000000 ? (uint64_t)us * 1000 : DEFAULT_PERIOD;
}

int rt_cpu_timer_start(rt_cpu_timer *timer, void (*f)(rt_cpu_timer *, rt_cpu_timer_cause)) {
  struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
  int err = install_handler();
  if (err != 0) return err;
  external = NULL;
  timer->f = f;
  timer->period = period();
  how.sigev_value.sival_ptr = timer;
  how.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  clockid_t clock = timer->period < RT_MILLISECOND ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
  if (timer_create(clock, &how, &timer->timer) != 0) return -errno;
  timer->on = true;
  unblock_signal();
  struct timespec each = {(time_t)(timer->period / RT_SECOND), (long)(timer->period % RT_SECOND)};
  struct itimerspec when = {.it_interval = each, .it_value = each};
  if (timer_settime(timer->timer, 0, &when, NULL) == 0) return 0;
  err = -errno;
  rt_cpu_timer_stop(timer);
  return err;
}

int rt_cpu_timer_start_external(rt_cpu_timer *timer,
                                void (*f)(rt_cpu_timer *, rt_cpu_timer_cause)) {
  int err = install_handler();
  if (err != 0) return err;
  timer->f = f;
  timer->period = period();
  timer->is_external = timer->on = true;
  external = timer;
  unblock_signal();
  return 0;
}

void rt_cpu_timer_tick(rt_cpu_timer *timer, long thread) {
  (void)timer;
  syscall(SYS_tgkill, getpid(), (pid_t)thread, SIGURG);
}

void rt_cpu_timer_stop(rt_cpu_timer *timer) {
  if (!timer->on) return;
  if (timer->is_external)
    external = NULL;
  else
    timer_delete(timer->timer); /* a signal that was sent is delivered before this returns */
  timer->on = false;
}

void rt_cpu_timer_nudge(rt_cpu_timer *timer, long thread) {
  if (timer->is_external) {
    rt_store(&timer->nudged, true);
    rt_cpu_timer_tick(timer, thread);
    return;
  }
  siginfo_t info = {0};
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = timer;
  syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)thread, SIGURG, &info);
}

/* --- interrupting a call ---------------------------------------------------------------------- */
#define END_PAUSE (RT_MILLISECOND / 20)
enum { END_PAUSES = 100 };

/* Does nothing if SIGURG is not ours. */
static void set_interrupting(bool interrupting) {
  struct sigaction sa;
  int restart = interrupting ? 0 : SA_RESTART;
  if (sigaction(SIGURG, NULL, &sa) != 0 || !(sa.sa_flags & SA_SIGINFO) ||
      sa.sa_sigaction != on_cpu_timer_signal || (sa.sa_flags & SA_RESTART) == restart)
    return;
  sa.sa_flags = SA_SIGINFO | restart;
  sigaction(SIGURG, &sa, NULL);
}

void rt_cpu_timer_begin_interrupts(void) { set_interrupting(true); }

void rt_cpu_timer_interrupt(rt_cpu_timer *timer, long thread) {
  rt_store(&timer->interrupted, true);
  rt_cpu_timer_nudge(timer, thread);
}

static bool is_any_on_its_way(rt_cpu_timer *timers[], int count) {
  bool any = false;
  for (int i = 0; i < count; i++) any = any || rt_load(&timers[i]->interrupted);
  return any;
}

/* A signal that comes after this is a nudge. */
void rt_cpu_timer_end_interrupts(rt_cpu_timer *timers[], int count) {
  for (int i = 0; i < END_PAUSES && is_any_on_its_way(timers, count); i++)
    rt_thread_sleep(END_PAUSE);
  set_interrupting(false);
  for (int i = 0; i < count; i++) rt_store(&timers[i]->interrupted, false);
}

#else

int rt_cpu_timer_start(rt_cpu_timer *timer, void (*f)(rt_cpu_timer *, rt_cpu_timer_cause)) {
  (void)timer, (void)f;
  return -ENOSYS;
}

int rt_cpu_timer_start_external(rt_cpu_timer *timer,
                                void (*f)(rt_cpu_timer *, rt_cpu_timer_cause)) {
  (void)timer, (void)f;
  return -ENOSYS;
}

void rt_cpu_timer_tick(rt_cpu_timer *timer, long thread) { (void)timer, (void)thread; }

void rt_cpu_timer_stop(rt_cpu_timer *timer) { (void)timer; }

void rt_cpu_timer_nudge(rt_cpu_timer *timer, long thread) { (void)timer, (void)thread; }

void rt_cpu_timer_begin_interrupts(void) {}

void rt_cpu_timer_interrupt(rt_cpu_timer *timer, long thread) { (void)timer, (void)thread; }

void rt_cpu_timer_end_interrupts(rt_cpu_timer *timers[], int count) { (void)timers, (void)count; }

#endif
