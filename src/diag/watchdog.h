/* diag/watchdog.h - one thread that watches the workers: it tells who is stuck, and answers for them.
**
** It looks at every face (roll.h) some times a second.  A task that it has seen before, and
** that has been running ever since, gets a probe: whoever is in Lua code answers it from the
** hook of the next tick (preempt.c).  One that does not answer is in a C function; or its
** thread gets no processor, which the OS can tell (pulse.h), and then it is not its fault.
**
** When no worker has run a task for two looks, it sleeps until one does: an idle process
** stays idle.  There is one for the process, as long as a pool is open or a program has asked
** for it: to a program of one thread, a second one would cost something at every system call.
*/
#ifndef RT_MONITOR_H
#define RT_MONITOR_H

#include "diag/worker_registry.h"

/* The worker: it is to be watched; it goes.  Harmless twice.  (Where no thread can be
** started nobody watches.) */
void rt_monitor_join(rt_face *f);
void rt_monitor_part(rt_face *f);

/* The worker resumes a task, and nobody watches it: the monitor may be asleep. */
void rt_monitor_wake(rt_face *f);

/* Any thread, and a signal handler: the monitor calls its 'on_ask' soon; false: there is no
** monitor. */
bool rt_monitor_ask(void);
void rt_monitor_on_ask(void (*f)(void));

/* The program is to end, and the main worker to see to it.  If it has not begun to by then, being
** in a C function that does not return, the process ends without it.  Any watched thread; the
** earliest counts.  (Without a monitor nobody does.) */
void rt_monitor_end_by(uint64_t when, int code);
void rt_monitor_end_begins(void);

#endif
