/* diag/watchdog.h - one thread that watches the workers: it reports stalls, and writes dumps.
**
** Several times a second it checks the status of every worker (diag/worker_registry.h). A task that
** was running at the last check and still is gets a probe: a flag that the worker clears at the
** next Lua instruction, in the hook of the preemption timer (run/preempt.c). If the flag stays, the
** task is in a C function, or its thread gets no CPU. The OS can tell these apart
** (base/thread_info.h): only time in which the thread computes, or is blocked in the kernel, counts
** as a stall.
**
** When no worker has run a task at two checks, the watchdog sleeps until one does, so an idle
** process stays idle. It does not sleep while a worker has an external CPU timer
** (base/cpu_timer.h), whose signals it sends, but checks less often if no such worker computes.
** There is one watchdog per process. Its thread exists while a pool is open or a program has asked
** for it: in a program with one thread, a second one would make system calls slower.
*/
#ifndef RT_DIAG_WATCHDOG_H
#define RT_DIAG_WATCHDOG_H

#include "diag/worker_registry.h"

/* Worker's thread, not under the lock of the registry: the watchdog's thread runs from the first
** add to the last remove. May be called again, and then wakes the thread. False: no thread could be
** started, and nothing is watched. */
bool rt_watchdog_add(rt_worker_status *s);
void rt_watchdog_remove(rt_worker_status *s);

/* Worker's thread: it resumes a task and must_wake_watchdog is set. */
void rt_watchdog_wake(rt_worker_status *s);

/* Thread of a worker in the watchdog: the watchdog's thread calls the function at each check at
** which a worker is stuck (rt_worker_status_is_stuck), under the lock of the registry. If that
** returns true, the next check comes soon. NULL: none. */
void rt_watchdog_on_stuck(bool (*f)(uint64_t now));

/* Any thread, and a signal handler: the watchdog's thread calls the function of
** rt_watchdog_on_dump_request soon. False: there is no watchdog. */
bool rt_watchdog_request_dump(void);
/* Any thread. NULL: none. */
void rt_watchdog_on_dump_request(void (*f)(void));

/* Thread of a worker in the watchdog: if the main worker has not begun to end the program by this
** clock, being in a C function that does not return, the watchdog ends the process with this code.
** Of several calls the earliest counts. Without a watchdog it has no effect. */
void rt_watchdog_set_exit_deadline(uint64_t when, int code);
/* Main worker: it ends the program now. */
void rt_watchdog_clear_exit_deadline(void);

#endif
