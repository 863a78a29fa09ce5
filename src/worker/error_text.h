/* worker/error_text.h - the text of a value that was raised.
**
** A table without __tostring is shown by its fields: `{code = 5, message = "no file"}`. Reading
** the fields calls no metamethod and allocates nothing until the text is complete; the text has a
** bound, however large or deep the table is. Called where errors are written, and where a text is
** made from one. Any thread, for its own state.
*/
#ifndef RT_WORKER_ERROR_TEXT_H
#define RT_WORKER_ERROR_TEXT_H

#include <lua.h>

/* Pushes the text of the value at 'index', and returns it. Raises what its __tostring raises, and
** if there is no memory. */
const char *rtL_error_text_push(lua_State *L, int index);

/* Pushes the fields of the table at 'index'. Raises only if there is no memory. */
const char *rtL_error_text_push_fields(lua_State *L, int index);

/* Is the value at 'index' a table that has fields? */
int rtL_error_text_has_fields(lua_State *L, int index);

#endif
