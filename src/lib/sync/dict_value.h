/* lib/sync/dict_value.h - the keys and values of a dict, from Lua's stack and back to it.
**
** Keys are strings, numbers and booleans; what is equal in Lua is the same key. A value is
** anything that can be copied (rtL_pack, RT_PACK_KEPT); simple ones need no message.
*/
#ifndef RT_LIB_SYNC_DICT_VALUE_H
#define RT_LIB_SYNC_DICT_VALUE_H

#include "dict/dict.h"
#include "worker/worker.h"

typedef struct rt_dict_value_key {
  rt_dict_key key; /* may point at what follows */
  union {
    lua_Integer integer;
    lua_Number number;
  };
} rt_dict_value_key;

/* The key at 'index', or an argument error; valid as long as that and 'k' stay where they are. */
const rt_dict_key *rtL_dict_value_key(lua_State *L, int index, rt_dict_value_key *k);
void rtL_dict_value_push_key(lua_State *L, const rt_dict_key *k);

/* The value at 'index', which the caller is to drop. May raise, owning nothing. */
void rtL_dict_value_read(lua_State *L, rt_worker *w, int index, rt_value *v);

/* The same while another one is held: that is dropped if this raises. */
void rtL_dict_value_read_beside(lua_State *L, rt_worker *w, int index, rt_value *v,
                                const rt_value *held);

/* Pushes a value that the caller holds, and drops it, whatever happens. */
void rtL_dict_value_push(lua_State *L, rt_worker *w, const rt_value *v);

#endif
