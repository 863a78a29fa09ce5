/* worker/nil_hint.h - the global that a failed line has missed.
**
** A task of the pool runs in a state of its own, and what the main chunk has put into globals is
** not there.  Lua names the global in some errors ("attempt to call a nil value (global 'f')"),
** in others it does not ("bad argument #1 to 'for iterator' (table expected, got nil)"): then
** the line is looked at, while it is still on the stack.
*/
#ifndef RT_WORKER_NIL_HINT_H
#define RT_WORKER_NIL_HINT_H

#include "worker/worker.h"

/* In a message handler, for a new error, in the pool: notes which global it was, if it was one. */
void rtL_nil_hint_note(lua_State *L, rt_worker *w, int error);

/* Pushes the name of the global that was noted for this error, if one was. */
bool rtL_nil_hint_push(lua_State *L, rt_worker *w, int error);

#endif
