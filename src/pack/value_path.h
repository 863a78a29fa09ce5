/* pack/value_path.h - where in what is being sent the value is that cannot go: "argument 1 .log .file". */
#ifndef RT_PACK_VALUE_PATH_H
#define RT_PACK_VALUE_PATH_H

#include "worker/compat.h"
#include "pack/pack_buf.h"

/* parent of an object that is itself one of the values: the place of that value, and this */
#define RT_VALUE_PATH_ROOT (1u << 31)

typedef struct rt_value_path {
  const rt_buf *parents; /* see pack/pack_buf.h */
  int values;            /* stack index: of the first value, */
  int list;              /* and of the table number -> object (or nothing) */
  const char *noun;      /* what a value is called: "argument"; the first is number 1 */
  bool is_call;          /* … or "the function", and number 1 comes after it */
} rt_value_path;

/* Pushes the object with this number. */
void rtL_value_path_object(lua_State *L, const rt_value_path *w, uint32_t number);

/* Pushes the way to the object with this number. */
const char *rtL_value_path_push(lua_State *L, const rt_value_path *w, uint32_t number);

#endif
