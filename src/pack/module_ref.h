/* pack/module_ref.h - what came by name: modules, and what they hold, are required where they arrive.
**
** A module that is not found there is no accident of that place only: nobody may have said where
** it is.  So the error tells which value of the message it was, and what can be done.  That is
** known when all is unpacked; until then a mark takes its place.
*/
#ifndef RT_PACK_MODULE_REF_H
#define RT_PACK_MODULE_REF_H

#include "worker/worker.h"

/* Pushes what has this name here, if need be by way of require; or raises.  field NULL: the
** module itself.  false: there is no such module, and the mark is pushed. */
bool rtL_module_ref_push(lua_State *L, rt_worker *w, const char *module, size_t module_len,
                         const char *field, size_t field_len);

/* Raises the error of the marked module.  The values of the message are on top, the first one at
** 'first'; of a call, this is the function. */
int rtL_module_ref_raise(lua_State *L, rt_worker *w, int first, bool is_call);

#endif
