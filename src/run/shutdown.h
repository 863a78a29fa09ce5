/* run/shutdown.h - a task has said that the program is to end.
**
** The main chunk is cancelled, as by SIGINT; what comes after that is the end of the main chunk
** as ever.  All of it together has the grace: a main chunk that is not through by then is left
** where it waits.
*/
#ifndef RT_RUN_SHUTDOWN_H
#define RT_RUN_SHUTDOWN_H

#include "worker/worker.h"

#define RT_NO_LIMIT UINT64_MAX

/* Any worker.  Once told, only a shorter grace changes anything. */
void rt_shutdown(rt_worker *w, uint64_t grace);

/* The main worker: the grace has passed, and the main chunk computes on L; the process ends. */
bool rt_shutdown_is_over(const rt_worker *w);
void rt_shutdown_force(rt_worker *w, lua_State *L);

/* Delivered to the main worker: a task on another one has said so. */
void rt_shutdown_on_post(rt_post *p, void *driver);

#endif
