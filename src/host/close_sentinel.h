/* host/close_sentinel.h - the object that lua_close finalizes first, in a stock interpreter.
**
** lua_close runs finalizers, newest object first, and tasks should unwind before the objects that
** they use are finalized. So a fresh object is made whenever the main chunk is resumed while tasks
** live; the finalizer of the newest one stops the runtime. rt-lua stops the runtime itself and
** needs none.
*/
#ifndef RT_HOST_CLOSE_SENTINEL_H
#define RT_HOST_CLOSE_SENTINEL_H

#include "worker/worker.h"

/* Makes the first sentinel of a state. */
void rtL_close_sentinel_open(lua_State *L, rt_worker *w);

/* The hook 'on_main_resumed', on the main worker's thread: replaces the sentinel by a newer one. If
** there is no memory for it the old one stays. */
void rt_close_sentinel_renew(rt_worker *w);

#endif
