/* worker/function_name.h - the names under which loaded modules hold things: "table.sort". */
#ifndef RT_NAMES_H
#define RT_NAMES_H

#include "worker/compat.h"

/* Pushes the name of the value on top of the stack, as "module.field" ("field" for a
** global), and returns it; or pushes nothing and returns NULL. */
const char *rtL_name_of(lua_State *L);

#endif
