/* pack/module_ref.h - values that were sent by the name of a module, looked up on arrival.
**
** The module is required there, if it is not loaded. If it is not found, the error names the value
** of the message that came from it, and says what to do. The path to that value is known when the
** message has been unpacked; until then a placeholder stands for the value.
*/
#ifndef RT_PACK_MODULE_REF_H
#define RT_PACK_MODULE_REF_H

#include "worker/worker.h"

/* Pushes the value with this name, requiring the module if it is not loaded. field NULL: the module
** itself. False: the module is not found, and a placeholder was pushed. Raises other errors of
** require, and if the field is nil. */
bool rtL_module_ref_push(lua_State *L, rt_worker *w, const char *module, size_t module_len,
                         const char *field, size_t field_len);

/* Raises the error of the module whose placeholder was pushed. The stack has the values of the
** message, from 'first' to the top; 'is_call': the first one is a function, and the others its
** arguments. */
int rtL_module_ref_raise(lua_State *L, rt_worker *w, int first, bool is_call);

#endif
