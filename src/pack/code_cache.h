/* pack/code_cache.h - from a function to its code: a function that is sent often is dumped once.
**
** The table RT_ANCHOR_CODES, whose keys are weak, maps each function that was sent to the key of
** its code (pack/code.h).
*/
#ifndef RT_PACK_CODE_CACHE_H
#define RT_PACK_CODE_CACHE_H

#include "base/buf.h"
#include "pack/code.h"
#include "worker/worker.h"

/* The code of the Lua function on top of the stack; NULL: it was not sent lately. */
rt_code *rt_code_cache_find(lua_State *L, rt_worker *w);

/* The code of a function that was not: dumps the function into 'b'. *key is for
** rtL_code_cache_add. *is_new: no function with this code was dumped lately. NULL: no memory. The
** reference stays the table's: the caller holds the code before it calls rtL_code_cache_add, which
** may run finalizers that send something themselves. */
rt_code *rt_code_cache_dump(lua_State *L, rt_worker *w, rt_buf *b, uint64_t *key, bool *is_new);

/* Maps the function on top of the stack to the key of its code. */
void rtL_code_cache_add(lua_State *L, rt_worker *w, uint64_t key);

#endif
