/* worker/function_name.h - the names under which loaded modules hold shared objects: "table.sort". */
#ifndef RT_WORKER_FUNCTION_NAME_H
#define RT_WORKER_FUNCTION_NAME_H

#include "worker/compat.h"

/* Pushes the name of the value on top of the stack, as "module.field" ("field" for a
** global), and returns it; or pushes nothing and returns NULL. */
const char *rtL_function_name(lua_State *L);

#endif
