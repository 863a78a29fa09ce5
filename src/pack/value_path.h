/* pack/value_path.h - names a value inside of what is sent, for errors: "argument 1 .log.file".
**
** A path begins with one of the values, its root, and has a step for each table or function that
** leads to the value. The packer finds the path of an object by its parents; module_ref looks for a
** value and keeps the path on the stack. Both print it by the same functions.
*/
#ifndef RT_PACK_VALUE_PATH_H
#define RT_PACK_VALUE_PATH_H

#include "pack/pack_buf.h"
#include "worker/compat.h"

/* --- printing a path -------------------------------------------------------------------------- */
typedef struct rt_value_path_text {
  char s[1024]; /* a longer path is cut off */
  size_t len;
  bool in_table; /* the last step was one into a table */
} rt_value_path_text;

/* Begins a path at the value number 'place' (from 0): "argument 1", "value 1". If 'is_call', number
** 0 is the function of a call, which has no name of its own if the path has more steps. */
void rt_value_path_root(rt_value_path_text *text, const char *noun, bool is_call, uint32_t place,
                        bool more);

/* Adds a step. Stack: a table or a function, a value that it holds -> the same. */
void rt_value_path_step(lua_State *L, rt_value_path_text *text);

/* --- the path of an object that is being packed ----------------------------------------------- */
/* In place of the number of its parent, for an object that is itself one of the values: this bit,
** and the place of the value. */
#define RT_VALUE_PATH_ROOT (1u << 31)

typedef struct rt_value_path {
  const rt_buf *parents; /* see pack/pack_buf.h */
  int values;            /* stack index of the first value */
  int list;              /* stack index of the table number -> object; of nil, if there is none */
  const char *noun;      /* what a value is called: "argument"; the first is number 1 */
  bool is_call;          /* the first value is a function, and the next one is number 1 */
} rt_value_path;

/* Pushes the object with this number. */
void rt_value_path_object(lua_State *L, const rt_value_path *path, uint32_t number);

/* Pushes the path of the object with this number. */
const char *rtL_value_path_push(lua_State *L, const rt_value_path *path, uint32_t number);

#endif
