/* worker/nil_hint.h - finds the global that was nil, for the text of an error.
**
** A task of the pool runs in a state of its own, in which the globals of the main chunk are not
** set. Lua names the global in some errors ("attempt to call a nil value (global 'f')") and not in
** others ("bad argument #1 to 'for iterator' (table expected, got nil)"). For the latter the
** bytecode of the line is searched for globals that are nil, while the function is still on the
** stack. The same holds for what the main chunk has added to modules, Lua's libraries among them:
** "attempt to call a nil value (field 'f')" in a line that reads the global string, or the field f
** of an upvalue that is a module; or (method 'f') of a string. Worker's thread.
*/
#ifndef RT_WORKER_NIL_HINT_H
#define RT_WORKER_NIL_HINT_H

#include "worker/worker.h"

/* In a message handler, in a pool worker: records the global, or the field of a module
** ("string.trim"), that was nil, if the error at 'error' is such an error and the line reads
** one. */
void rtL_nil_hint_note(lua_State *L, rt_worker *w, int error);

/* Pushes the name of the global or field that was recorded for this error. False: none was, and
** nothing is pushed. */
bool rt_nil_hint_push(lua_State *L, rt_worker *w, int error);

#endif
