/* pack/code_cache.h - the code of the functions that a worker sends: each is dumped only once.
**
** The table RT_ANCHOR_CODES, whose keys are weak, has the waiter of each function that was sent;
** pack/code.h has what the waiter stands for, as long as it is of use.
*/
#ifndef RT_PACK_CODE_CACHE_H
#define RT_PACK_CODE_CACHE_H

#include "base/buf.h"
#include "pack/code.h"
#include "worker/worker.h"

/* The code of the Lua function on top of the stack, if it was sent before; or NULL. */
rt_code *rtL_code_cache_find(lua_State *L, rt_worker *w);

/* The same for a function that was not; the buffer is for its bytecode.  NULL: no memory.
** Neither is the caller's, who may hold it: remembering may run finalizers that send, too. */
rt_code *rtL_code_cache_dump(lua_State *L, rt_worker *w, rt_buf *b, uint64_t *waiter);
void rtL_code_cache_remember(lua_State *L, rt_worker *w, uint64_t waiter);

#endif
