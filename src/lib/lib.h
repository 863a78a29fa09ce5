/* lib/lib.h - what the Lua functions of rt share.
**
** Every one of them has its worker as upvalue 1 (rtL_self).  Misuse raises; what the world
** refuses comes back as nil, "CODE: message", "CODE".
*/
#ifndef RT_LIB_LIB_H
#define RT_LIB_LIB_H

#include "run/wait.h"
#include "worker/worker.h"

/* nil, "ECONNREFUSED: connection refused (where)", "ECONNREFUSED"; 'where' may be NULL */
int rtL_fail(lua_State *L, int err, const char *where);

/* A duration in seconds at 'arg', as nanoseconds: at least 0, at most for ever. */
uint64_t rtL_check_duration(lua_State *L, int arg);
uint64_t rtL_duration_of(lua_State *L, int arg, lua_Number seconds);
#define RT_FOREVER UINT64_MAX

/* Raises if the argument is neither nil nor a table, or has an option that is not among the names:
** "backlog, nodelay". */
void rtL_check_options(lua_State *L, int arg, const char *who, const char *names);
/* The option 'name' of the table (or nothing) at 'arg': pushes it, returns its type. */
int rtL_option(lua_State *L, int arg, const char *name);
bool rtL_option_bool(lua_State *L, int arg, const char *name, bool otherwise);

/* The name that a task is to get, a string or nil: cut there, at a zero byte and after so many
** bytes, since other threads are to read it.  Returns it, or NULL. */
const char *rtL_check_name(lua_State *L, int arg);

/* Each adds its functions to the table on top of the stack. */
void rtL_open_task(lua_State *L, rt_worker *w);
void rtL_open_error(lua_State *L, rt_worker *w);
void rtL_open_time(lua_State *L, rt_worker *w);
void rtL_open_timeout(lua_State *L, rt_worker *w);
void rtL_open_tcp(lua_State *L, rt_worker *w);
void rtL_open_stream(lua_State *L, rt_worker *w);
void rtL_open_listener(lua_State *L, rt_worker *w);
void rtL_open_spawn(lua_State *L, rt_worker *w);
void rtL_open_job(lua_State *L, rt_worker *w);
void rtL_open_group(lua_State *L, rt_worker *w);
void rtL_open_select(lua_State *L, rt_worker *w);
void rtL_open_channel(lua_State *L, rt_worker *w);
void rtL_open_dict(lua_State *L, rt_worker *w);
void rtL_open_mutex(lua_State *L, rt_worker *w);
void rtL_open_semaphore(lua_State *L, rt_worker *w);
void rtL_open_notify(lua_State *L, rt_worker *w);
void rtL_open_barrier(lua_State *L, rt_worker *w);
void rtL_open_once(lua_State *L, rt_worker *w);
void rtL_open_watch(lua_State *L, rt_worker *w);
void rtL_open_broadcast(lua_State *L, rt_worker *w);
void rtL_open_dump(lua_State *L, rt_worker *w);
void rtL_open_runtime(lua_State *L, rt_worker *w);
void rtL_open_coroutine(lua_State *L, rt_worker *w); /* replaces functions of 'coroutine' */
void rtL_open_os(lua_State *L, rt_worker *w);        /* … and of 'os' */

void rtL_open_print(lua_State *L, rt_worker *w); /* replaces the global function */

/* Sets functions with the worker as upvalue into the table on top of the stack. */
void rtL_set_functions(lua_State *L, rt_worker *w, const luaL_Reg *functions);
/* The same for functions that only rt's Lua files call: sets them into the field "internal" of the
** table on top of the stack, which is the module rt.core. */
void rtL_set_internal_functions(lua_State *L, rt_worker *w, const luaL_Reg *functions);

#endif
