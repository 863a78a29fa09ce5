/* diag/watchdog.h - one thread that watches the workers: it tells who is stuck, and answers for them.
**
** It looks at every face (diag/worker_registry.h) some times a second.  A task that it has seen before, and
** that has been running ever since, gets a probe: whoever is in Lua code answers it from the
** hook of the next tick (run/preempt.c).  One that does not answer is in a C function; or its
** thread gets no processor, which the OS can tell (base/thread_info.h), and then it is not its fault.
**
** When no worker has run a task for two looks, it sleeps until one does: an idle process
** stays idle.  There is one for the process, as long as a pool is open or a program has asked
** for it: to a program of one thread, a second one would cost something at every system call.
*/
#ifndef RT_DIAG_WATCHDOG_H
#define RT_DIAG_WATCHDOG_H

#include "diag/worker_registry.h"

/* The worker: it is to be watched; it goes.  Harmless twice.  (Where no thread can be
** started nobody watches.) */
void rt_watchdog_add(rt_worker_status *f);
void rt_watchdog_remove(rt_worker_status *f);

/* The worker resumes a task, and nobody watches it: the watchdog may be asleep. */
void rt_watchdog_wake(rt_worker_status *f);

/* Any thread, and a signal handler: the watchdog calls its 'on_ask' soon; false: there is no
** watchdog. */
bool rt_watchdog_request_dump(void);
void rt_watchdog_on_dump_request(void (*f)(void));

/* The program is to end, and the main worker to see to it.  If it has not begun to by then, being
** in a C function that does not return, the process ends without it.  Any watched thread; the
** earliest counts.  (Without a watchdog nobody does.) */
void rt_watchdog_set_exit_deadline(uint64_t when, int code);
void rt_watchdog_clear_exit_deadline(void);

#endif
