/* worker/error.h - errors that functions of many files raise.
**
** Each function raises its error at the Lua line that called the running C function, and does not
** return; the return type allows `return rtL_no_memory(L);`. Worker's thread.
*/
#ifndef RT_WORKER_ERROR_H
#define RT_WORKER_ERROR_H

#include <lua.h>

/* "not enough memory": an allocation outside the Lua state has failed. */
__attribute__((noreturn)) int rtL_no_memory(lua_State *L);

/* "the runtime has been shut down": the worker is closed, and the Lua state is about to be. */
__attribute__((noreturn)) int rtL_closed(lua_State *L);

#endif
