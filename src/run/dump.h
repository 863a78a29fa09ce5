/* run/dump.h - takes a snapshot of the tasks of all workers, and writes it as text. */
#ifndef RT_RUN_DUMP_H
#define RT_RUN_DUMP_H

#include "run/inspect.h"

#include <stdio.h>

/* Worker's thread: a snapshot of all workers of its runtime, which the caller has to drop. The
** tasks of a worker that does not reply within 150 ms are left out. 'until': as for
** rt_inspect_tasks. NULL: no memory. */
rt_snapshot *rt_dump_ask(rt_worker *w, bool traces, uint64_t until);

/* Worker's thread: writes a snapshot with tracebacks to a file. 0 or UV_E…. */
int rt_dump_write(rt_worker *w, FILE *to);

/* The watchdog's thread, in rt-lua: writes a snapshot of all workers of the process to stderr. */
void rt_dump_from_outside(void);

#endif
