/* worker/pending_close.h - is a value on its way to a <close> variable?
**
** A function returns a lock, a permit or an open file, and its caller marks the variable in which
** it keeps it as <close>. Lua does these in two or more instructions. If an error is raised between
** them, nobody closes the value. run/preempt.c raises errors between instructions, and asks here
** first.
**
** The answer comes from the values of the function that is about to run an instruction, and from
** its instructions. A value counts if it has a metamethod __close. The instructions are followed
** forwards, over each branch, but not backwards, except to the condition of a loop that the value
** ends: repeat got = m:try_lock() until got. (So every loop has an instruction at which nothing is
** pending.) The value is pending if it may get, without another assignment, to one of these places:
**
**   - a variable of this function that is marked, by way of other variables, too:
**       local f, why = io.open(path)  if not f then return nil, why end  local file <close> = f
**   - a return, so that the caller may mark it:  return m:try_lock()
**   - a call: local file <close> = assert(io.open(path), "no")
**   - a field of a table, or a variable of an outer function
**
** A table without a metatable counts as such a value if one of its first values is one:
**       setmetatable({ lock = m:try_lock() }, { __close = … })
**
** A function that is called in between is another one: it can be ended, and its caller with it.
*/
#ifndef RT_WORKER_PENDING_CLOSE_H
#define RT_WORKER_PENDING_CLOSE_H

#include <lua.h>
#include <stdbool.h>

/* Called by a count hook, with its 'ar'; the coroutine's own thread. The answer is about the
** instruction that runs when the hook has returned. */
bool rtL_pending_close(lua_State *L, lua_Debug *ar);

/* Called by a hook, which runs in L. Is the active function of the coroutine 'co' at this level (0:
** the innermost), or one that has called it, a __close? Returns its level; -1: none is. The end of
** the scope of a variable has called it, or an error that ended the function, or the close of its
** coroutine. (At most 200 functions are looked at. A __close is not found that a C function calls
** at its own end, for a value that lua_toclose has marked.) */
int rtL_pending_close_find(lua_State *L, lua_State *co, int level);

/* Called by a hook. Is the innermost active function such a __close? */
bool rtL_pending_close_is_one(lua_State *L);

#endif
