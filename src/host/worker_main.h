/* host/worker_main.h - the workers that rt.spawn and rt.spawn_blocking run on: how they are made. */
#ifndef RT_HOST_WORKER_MAIN_H
#define RT_HOST_WORKER_MAIN_H

#include "worker/worker.h"

/* Opens the pools of the runtime whose main worker this is; no thread is started yet. */
void rtL_worker_main_open(lua_State *L, rt_worker *w);

#endif
