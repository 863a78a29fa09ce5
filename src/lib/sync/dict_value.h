/* lib/sync/dict_value.h - the keys and values of a dict, from the Lua stack and to it.
**
** A key is a string, a number or a boolean; two keys are the same if they are equal in Lua. A value
** is anything that rtL_pack can copy (RT_PACK_KEPT). Strings, numbers and booleans need no message.
**
** All functions: worker's thread.
*/
#ifndef RT_LIB_SYNC_DICT_VALUE_H
#define RT_LIB_SYNC_DICT_VALUE_H

#include "dict/dict.h"
#include "worker/worker.h"

typedef struct rt_dict_value_key {
  rt_dict_key key; /* may point to the union below */
  union {
    lua_Integer integer;
    lua_Number number;
  };
} rt_dict_value_key;

/* The key at 'index', or an argument error. It is valid as long as the value stays at 'index' and
** 'k' exists. */
const rt_dict_key *rtL_dict_value_key(lua_State *L, int index, rt_dict_value_key *k);
/* Pushes a key. */
void rtL_dict_value_push_key(lua_State *L, const rt_dict_key *k);

/* Reads the value at 'index'; the caller drops it (rt_value_drop). If this raises, there is nothing
** to drop. */
void rtL_dict_value_read(lua_State *L, rt_worker *w, int index, rt_value *v);

/* The same, for a caller that has another value: drops 'held' if it raises. */
void rtL_dict_value_read_beside(lua_State *L, rt_worker *w, int index, rt_value *v,
                                const rt_value *held);

/* Pushes a value and drops it, even if it raises. */
void rtL_dict_value_push(lua_State *L, rt_worker *w, const rt_value *v);

#endif
