/* lib/task/task_handle.h - what the two kinds of rt.task have in common: the handle of a task of
** this state (lib/task/task) and that of a job (lib/task/job).
**
** The name, the status and the results of a task of this state are in the Lua state, those of a job
** in the rt_job. The fields, the errors and the text are the same, and are defined here.
**
** All functions of this file: worker's thread.
*/
#ifndef RT_LIB_TASK_TASK_HANDLE_H
#define RT_LIB_TASK_TASK_HANDLE_H

#include "lib/lib.h"

/* For __index, whose arguments are the handle and the key, and whose upvalue 2 is the table of
** methods: pushes the method, the id, or nil. True: the key is "name"; the caller pushes the name
** then. */
bool rt_task_handle_field(lua_State *L, uint64_t id); /* the key is no method */
static inline bool rt_task_handle_index(lua_State *L, uint64_t id) {
  lua_pushvalue(L, 2);
  return lua_rawget(L, lua_upvalueindex(2)) == LUA_TNIL && rt_task_handle_field(L, id);
}

/* For __newindex, whose arguments are the handle, the key and the value: raises unless the key is
** "name" and the value a string or nil. A string is shortened in place to its first zero byte and
** to RT_TASK_NAME_MAX bytes, since other threads read it from a buffer. Returns the string; NULL
** for nil. */
const char *rtL_task_handle_newindex(lua_State *L);

/* For __tostring: pushes "rt.task 3 (name, running)". Stack: name or nil -> name or nil, text */
void rtL_task_handle_tostring(lua_State *L, uint64_t id, const char *status);

#endif
