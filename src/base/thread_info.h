/* base/thread_info.h - what the OS says of a thread: how much it has computed, and whether it is blocked.
**
** A thread that does not come on may be computing, may be blocked in a system call, or may
** be waiting for a processor, which is not its fault: only the OS can tell these apart.
*/
#ifndef RT_BASE_THREAD_INFO_H
#define RT_BASE_THREAD_INFO_H

#include "base/base.h"

typedef struct rt_thread_info {
  int clock; /* of the processor time that the thread has used */
  long thread;
  bool known; /* false: this OS does not say */
} rt_thread_info;

/* Of the calling thread. */
void rt_thread_info_init(rt_thread_info *p);

/* any thread, while that one lives: nanoseconds of processor time */
uint64_t rt_thread_info_cpu(const rt_thread_info *p);
/* … it waits, in the kernel, for something else than a processor */
bool rt_thread_info_blocked(const rt_thread_info *p);

/* … and in a call that goes on after a signal as if nothing had been: in no nanosleep or
** poll, nor at a socket, which may have a timeout */
bool rt_thread_info_restarts_syscall(const rt_thread_info *p);

#endif
