/* worker/module_index.h - what loaded modules hold: package.loaded, the other way round.
**
** A map from addresses to names, built when it is first needed and again when
** package.loaded has changed.  It keeps nothing alive: a name is checked at every use, so an
** entry that is out of date does no harm.  Of the globals only C functions are known.
** named.h has the other end.
*/
#ifndef RT_KNOWN_H
#define RT_KNOWN_H

#include "base/base.h"
#include "worker/anchors.h"

typedef struct rt_known_entry {
  const void *object;
  uint32_t name; /* the number of its names in the list RT_KEEP_KNOWN */
} rt_known_entry;

typedef struct rt_known {
  rt_known_entry *slots; /* open addressing; NULL until the first */
  uint32_t size, count;
  uint64_t signature; /* of package.loaded as it was; 0: the map was never finished */
} rt_known;

void rt_known_close(rt_known *k);

/* Pushes the names of the value at 'index': the module's, and the field's or false.  Or
** pushes nothing: no module holds it, as far as is known.  Collects nothing. */
bool rtL_known_find(lua_State *L, const rt_known *k, lua_State *keep, int index);

/* Builds the map again if package.loaded has changed, or by force.  false: it was as it is. */
bool rtL_known_refresh(lua_State *L, rt_known *k, lua_State *keep, bool force);

#endif
