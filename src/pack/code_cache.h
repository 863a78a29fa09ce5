/* pack/code_cache.h - the code of the functions that a worker sends: each is dumped only once.
**
** The table RT_KEEP_CODES, whose keys are weak, has the ticket of each function that was sent;
** code.h has what the ticket stands for, as long as it is of use.
*/
#ifndef RT_SENT_H
#define RT_SENT_H

#include "base/buf.h"
#include "worker/worker.h"

/* The code of the Lua function on top of the stack, if it was sent before; or NULL. */
rt_code *rtL_sent_find(lua_State *L, rt_worker *w);

/* The same for a function that was not; the buffer is for its bytecode.  NULL: no memory.
** Neither is the caller's, who may hold it: remembering may run finalizers that send, too. */
rt_code *rtL_sent_dump(lua_State *L, rt_worker *w, rt_buf *b, uint64_t *ticket);
void rtL_sent_remember(lua_State *L, rt_worker *w, uint64_t ticket);

#endif
