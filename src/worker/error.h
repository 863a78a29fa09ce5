/* worker/error.h - errors that functions of many files raise, and their text.
**
** Each rtL_ function raises its error at the Lua line that called the running C function, and does
** not return; the return type allows `return rtL_error_no_memory(L);`. Worker's thread.
*/
#ifndef RT_WORKER_ERROR_H
#define RT_WORKER_ERROR_H

#include <lua.h>

/* "not enough memory": an allocation outside the Lua state has failed. */
__attribute__((noreturn)) int rtL_error_no_memory(lua_State *L);

/* "the runtime has been shut down": the worker is closed, and the Lua state is about to be. */
__attribute__((noreturn)) int rtL_error_closed(lua_State *L);

/* In a child of fork: raises that rt cannot be used there. */
void rtL_error_if_forked(lua_State *L);

/* "what: CODE: message": a system call has failed; 'err' is UV_E…. */
__attribute__((noreturn)) int rtL_error_system(lua_State *L, const char *what, int err);

/* The text of an error: the string at 'index'; NULL: the error is no string. (lua_tostring would
** convert a number, for which there may be no memory.) */
static inline const char *rt_error_text(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
}

#endif
