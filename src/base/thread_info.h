/* base/thread_info.h - what the OS knows of a thread: its CPU time, and whether it is blocked.
**
** A thread that makes no progress may be computing, may be blocked in a system call, or may be
** waiting for a CPU. Only the OS can tell these apart. Used by diag/watchdog.c.
*/
#ifndef RT_BASE_THREAD_INFO_H
#define RT_BASE_THREAD_INFO_H

#include "base/base.h"

typedef struct rt_thread_info {
  int clock;      /* a clockid_t: the CPU time of the thread */
  long thread;    /* its id in the OS (gettid) */
  bool available; /* false: not known on this OS; then the functions return 0 or false */
} rt_thread_info;

/* The calling thread describes itself. */
void rt_thread_info_init(rt_thread_info *info);

/* The other functions: any thread, while the described thread lives. */

/* Nanoseconds of CPU time that the thread has used. */
uint64_t rt_thread_info_cpu(const rt_thread_info *info);

/* Is the thread blocked in the kernel, and not only waiting for a CPU? RT_THREAD_UNKNOWN: there was
** no descriptor to find out. */
typedef enum rt_thread_state {
  RT_THREAD_RUNS,
  RT_THREAD_BLOCKED,
  RT_THREAD_UNKNOWN
} rt_thread_state;
rt_thread_state rt_thread_info_state(const rt_thread_info *info);

/* Is the thread in a system call that the kernel restarts after a signal as if nothing had
** happened? Not nanosleep or poll, and no call on a socket, as that may have a timeout. */
bool rt_thread_info_restarts_syscall(const rt_thread_info *info);

/* For how long the thread, ready to run, has waited for a CPU, ns, without a wait that is not over.
** False: not known. */
bool rt_thread_info_delay(const rt_thread_info *info, uint64_t *delay);

#endif
