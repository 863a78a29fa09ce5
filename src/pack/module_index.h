/* pack/module_index.h - the inverse of package.loaded: which module holds a value, in which field.
**
** A value that a module holds is sent by name, and pack/module_ref.h finds it on arrival. The index
** maps addresses to names. It is built when it is first needed, and again when package.loaded has
** changed. It keeps no value alive; each name is checked when it is used, so an entry that is out
** of date does no harm. Of the global table only the C functions are in the index. Worker's thread.
*/
#ifndef RT_PACK_MODULE_INDEX_H
#define RT_PACK_MODULE_INDEX_H

#include "base/ptr_map.h"
#include "worker/anchors.h"

typedef struct rt_module_index {
  rt_ptr_map names; /* address -> the number of its names in the list RT_ANCHOR_MODULE_INDEX */
  uint64_t
      signature; /* of package.loaded when the index was built; 0: it was not built completely */
} rt_module_index;

void rt_module_index_close(rt_module_index *index);

/* Pushes the name of the module that holds the value at index 'value', and the name of the field,
** or false if the value is the module itself. False: the index has no such module, and nothing is
** pushed. Allocates nothing in the state. */
bool rtL_module_index_find(lua_State *L, const rt_module_index *index, lua_State *anchors,
                           int value);

/* Builds the index again if package.loaded has changed, or if 'force'. False: it was up to date. */
bool rtL_module_index_refresh(lua_State *L, rt_module_index *index, lua_State *anchors, bool force);

#endif
