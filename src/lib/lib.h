/* lib/lib.h - what the files that define Lua functions share.
**
** Every Lua function of rt has its worker as upvalue 1 (rt_self). It raises if it is misused. If
** the operating system or the network refuses something, it returns nil, "CODE: message", "CODE".
**
** All functions of this file: worker's thread.
*/
#ifndef RT_LIB_LIB_H
#define RT_LIB_LIB_H

#include "run/wait.h"
#include "worker/worker.h"

/* Pushes nil, "ECONNREFUSED: connection refused (where)", "ECONNREFUSED", and returns 3. 'where'
** may be NULL. If the running task is being cancelled and its rt.Cancelled was not raised yet,
** raises that instead (rtL_cancel_takes_precedence). */
int rtL_fail(lua_State *L, int err, const char *where);

/* The number of seconds at 'arg', as nanoseconds: 0 if it is negative, RT_FOREVER if they do not
** fit into 63 bits. NaN is an argument error. */
#define RT_FOREVER UINT64_MAX
uint64_t rtL_check_duration(lua_State *L, int arg);
/* The same for a number that the caller has read or computed; 'arg' is for the error. */
uint64_t rtL_duration_of(lua_State *L, int arg, lua_Number seconds);

/* Raises unless the value at 'arg' is nil, or a table whose keys are all in 'names', which looks
** like "backlog, nodelay". 'function' is the name in the error: "tcp.listen". */
void rtL_check_options(lua_State *L, int arg, const char *function, const char *names);
/* Pushes the option 'name' of the table at 'arg', or nil if there is no table; returns its type. */
int rtL_option(lua_State *L, int arg, const char *name);
/* The option, which must be a boolean; 'default_value' if it is nil. */
bool rtL_option_bool(lua_State *L, int arg, const char *name, bool default_value);
/* The option, which must be an integer from 1, or math.huge, which is returned as SIZE_MAX. */
size_t rtL_option_bound(lua_State *L, int arg, const char *name, size_t default_value);

/* Each of these adds its functions to the table on top of the stack, which is the module
** rt.core. */
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
void rtL_open_limiter(lua_State *L, rt_worker *w);
void rtL_open_notify(lua_State *L, rt_worker *w);
void rtL_open_barrier(lua_State *L, rt_worker *w);
void rtL_open_once(lua_State *L, rt_worker *w);
void rtL_open_watch(lua_State *L, rt_worker *w);
void rtL_open_broadcast(lua_State *L, rt_worker *w);
void rtL_open_dump(lua_State *L, rt_worker *w);
void rtL_open_runtime(lua_State *L, rt_worker *w);

/* These replace functions of Lua's own libraries. The table on top of the stack is the library. */
void rtL_open_coroutine(lua_State *L, rt_worker *w);
void rtL_open_os(lua_State *L, rt_worker *w);
void rtL_open_io(lua_State *L, rt_worker *w);
/* Replaces the global function print. */
void rtL_open_print(lua_State *L, rt_worker *w);

/* Replaces the table on top of the stack by an empty one, through which its fields are read. Lua
** takes the name of a function in a traceback or an error, "rt.sleep", from any module that has it
** as a field, in the order of a hash table; it does not find the fields of this one. */
void rtL_set_hidden(lua_State *L);

/* Sets functions, with the worker as upvalue 1, into the table on top of the stack. */
void rtL_set_functions(lua_State *L, rt_worker *w, const luaL_Reg *functions);
/* The same for functions that only rt's Lua files call: sets them into the field "internal" of the
** table on top of the stack, which is the module rt.core. */
void rtL_set_internal_functions(lua_State *L, rt_worker *w, const luaL_Reg *functions);

#endif
