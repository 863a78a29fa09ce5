/* pack/copy_warning.h - with warnings on, Lua warns of a function of rt.spawn that assigns to an
** upvalue.
**
** The function gets a copy of the upvalue, so the variable of the program does not change.
** pack/pack calls this when a function is to be run by another worker and its code is new, so
** once a function; nothing of it runs when the function is sent again. Worker's thread.
*/
#ifndef RT_PACK_COPY_WARNING_H
#define RT_PACK_COPY_WARNING_H

#include "pack/code.h"

#include <lua.h>

/* Warns of each upvalue to which the function on top of the stack assigns, or a function within it.
** The caller holds the code. Raises if there is no memory. */
void rtL_copy_warning(lua_State *L, const rt_code *code);

#endif
