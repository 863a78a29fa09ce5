/* run/dump.h - asking all workers for their tasks, and writing down what they say. */
#ifndef RT_RUN_DUMP_H
#define RT_RUN_DUMP_H

#include "run/inspect.h"

#include <stdio.h>

/* The answers of all workers of this one's runtime; drop it.  NULL: no memory */
rt_snapshot *rt_dump_ask(rt_worker *w, bool traces, uint64_t until);

/* A listing with tracebacks; 0 or UV_E… */
int rt_dump_write(rt_worker *w, FILE *to);

/* rt-lua: of all workers there are, on stderr; from the watchdog's thread. */
void rt_dump_from_outside(void);

#endif
