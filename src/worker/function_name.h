/* worker/function_name.h - the name under which a loaded module holds a function: "table.sort". */
#ifndef RT_WORKER_FUNCTION_NAME_H
#define RT_WORKER_FUNCTION_NAME_H

#include "worker/compat.h"

/* Pushes the name of the value on top of the stack, "module.field" or, for a global, "field", and
** returns it. If no module holds the value, pushes nothing and returns NULL. It searches all loaded
** modules, so it is only for the texts of errors. */
const char *rtL_function_name(lua_State *L);

#endif
