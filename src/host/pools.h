/* host/pools.h - the pools of a runtime: that of rt.spawn, and that of rt.spawn_blocking.
**
** Opening them starts no thread: a scheduler starts the thread of a worker (host/worker_main) when
** there is work.
*/
#ifndef RT_HOST_POOLS_H
#define RT_HOST_POOLS_H

#include "worker/worker.h"

/* The hook 'open_pools': the main worker's thread, at the first spawn. Raises if there is no
** memory, or an argument of the script cannot be sent. */
void rtL_pools_open(lua_State *L, rt_worker *w);

#endif
