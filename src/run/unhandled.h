/* run/unhandled.h - errors that nobody joined: told to rt.on_unhandled, or to stderr. */
#ifndef RT_RUN_UNHANDLED_H
#define RT_RUN_UNHANDLED_H

#include "worker/worker.h"

/* Between two tasks: the function of rt.on_unhandled gets a task for each of them; without
** one they are written to stderr, and the exit code will be 1. */
void rt_unhandled_report(rt_worker *w);

/* With nothing to do is the time to find failures whose handles are gone: collects a
** little, or (false) there are none to be found. */
bool rt_unhandled_look(rt_worker *w);

/* At the end, in the main chunk: all that is left, at once; and on stderr what the function
** was told and has not returned from. */
void rtL_unhandled_report_all(lua_State *L, rt_worker *w);

/* The running task ends the program: if that is what it was told of, it has heard it. */
void rtL_unhandled_mark_handled(lua_State *L, rt_worker *w);

void rtL_unhandled_classes(lua_State *L, rt_worker *w);

#endif
