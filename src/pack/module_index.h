/* pack/module_index.h - what loaded modules hold: package.loaded, the other way round.
**
** A map from addresses to names, built when it is first needed and again when
** package.loaded has changed.  It keeps nothing alive: a name is checked at every use, so an
** entry that is out of date does no harm.  Of the globals only C functions are known.
** pack/module_ref.h has the other end.
*/
#ifndef RT_PACK_MODULE_INDEX_H
#define RT_PACK_MODULE_INDEX_H

#include "base/ptr_map.h"
#include "worker/anchors.h"

typedef struct rt_module_index {
  rt_ptr_map names;   /* object -> the number of its names in the list RT_ANCHOR_MODULE_INDEX */
  uint64_t signature; /* of package.loaded as it was; 0: the map was never finished */
} rt_module_index;

void rt_module_index_close(rt_module_index *k);

/* Pushes the names of the value at 'index': the module's, and the field's or false.  Or
** pushes nothing: no module holds it, as far as is known.  Collects nothing. */
bool rtL_module_index_find(lua_State *L, const rt_module_index *k, lua_State *anchors, int index);

/* Builds the map again if package.loaded has changed, or by force.  false: it was as it is. */
bool rtL_module_index_refresh(lua_State *L, rt_module_index *k, lua_State *anchors, bool force);

#endif
