/* base/thread.c - locks, condition variables and threads. */
#include "base/base.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

/* --- locks ------------------------------------------------------------------------------------ */
/* These calls fail only if what they are given is no lock, condition or thread: a bug in rt. */
static void abort_if(int err) {
  if (rt_unlikely(err != 0)) abort();
}

/* Adaptive: a thread spins for a moment before it sleeps, as locks are held for nanoseconds. */
int rt_lock_init(rt_lock *l) {
#ifdef __GLIBC__
  pthread_mutexattr_t attr;
  int err = pthread_mutexattr_init(&attr);
  if (err != 0) return -err;
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
  err = pthread_mutex_init(l, &attr);
  pthread_mutexattr_destroy(&attr);
  return -err;
#else
  return -pthread_mutex_init(l, NULL);
#endif
}
void rt_lock_close(rt_lock *l) { abort_if(pthread_mutex_destroy(l)); }
void rt_lock_take(rt_lock *l) { abort_if(pthread_mutex_lock(l)); }
void rt_lock_give(rt_lock *l) { abort_if(pthread_mutex_unlock(l)); }

int rt_cond_init(rt_cond *c) {
  pthread_condattr_t attr;
  int err = pthread_condattr_init(&attr);
  if (err != 0) return -err;
#ifndef __APPLE__
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
  err = pthread_cond_init(c, &attr);
  pthread_condattr_destroy(&attr);
  return -err;
}

void rt_cond_close(rt_cond *c) { abort_if(pthread_cond_destroy(c)); }
void rt_cond_signal(rt_cond *c) { abort_if(pthread_cond_signal(c)); }
void rt_cond_broadcast(rt_cond *c) { abort_if(pthread_cond_broadcast(c)); }
void rt_cond_wait(rt_cond *c, rt_lock *l) { abort_if(pthread_cond_wait(c, l)); }

bool rt_cond_wait_until(rt_cond *c, rt_lock *l, uint64_t clock) {
  clock = rt_clock_to_os(clock);
  struct timespec ts = {(time_t)(clock / RT_SECOND), (long)(clock % RT_SECOND)};
  int err = pthread_cond_timedwait(c, l, &ts);
  if (err != ETIMEDOUT) abort_if(err);
  return err == 0;
}

/* --- threads ---------------------------------------------------------------------------------- */
typedef struct thread_start {
  void (*f)(void *);
  void *arg;
} thread_start;

static void *thread_start_main(void *p) {
  thread_start s = *(thread_start *)p;
  rt_free(p);
  s.f(s.arg);
  return NULL;
}

/* Signals of the process are for the thread that the program began with. A thread that is started
** here blocks all signals but SIGURG (the CPU timer), SIGPROF, and faults (SIGSEGV and the
** like). */
static int start_with_signals_blocked(rt_thread *thread, pthread_attr_t *attr, thread_start *s) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGURG);
  sigdelset(&all, SIGSEGV);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGFPE);
  sigdelset(&all, SIGILL);
  sigdelset(&all, SIGABRT);
  sigdelset(&all, SIGTRAP);
  sigdelset(&all, SIGPROF);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int err = pthread_create(thread, attr, thread_start_main, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -err;
}

int rt_thread_start(rt_thread *thread, size_t stack, void (*f)(void *), void *arg) {
  pthread_attr_t attr;
  thread_start *s = rt_malloc(sizeof *s);
  if (s == NULL) return -ENOMEM;
  *s = (thread_start){f, arg};
  int err = -pthread_attr_init(&attr);
  if (err != 0) goto no_attr;
  if ((err = -pthread_attr_setstacksize(&attr, stack)) != 0) goto no_thread;
  if ((err = start_with_signals_blocked(thread, &attr, s)) != 0) goto no_thread;
  pthread_attr_destroy(&attr);
  return 0;
no_thread:
  pthread_attr_destroy(&attr);
no_attr:
  rt_free(s);
  return err;
}

void rt_thread_detach(rt_thread thread) { abort_if(pthread_detach(thread)); }
void rt_thread_join(rt_thread thread) { abort_if(pthread_join(thread, NULL)); }
void rt_thread_yield(void) { sched_yield(); }

void rt_thread_sleep(uint64_t ns) {
  struct timespec ts = {(time_t)(ns / RT_SECOND), (long)(ns % RT_SECOND)};
  nanosleep(&ts, NULL);
}

rt_thread rt_thread_self(void) { return pthread_self(); }
bool rt_thread_is_current(rt_thread thread) { return pthread_equal(thread, pthread_self()) != 0; }
