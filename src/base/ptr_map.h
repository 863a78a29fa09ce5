/* base/ptr_map.h - a hash table from addresses to numbers, which is cleared in O(1).
**
** Each entry carries the generation of the map in which it was made, and counts only while the map
** is in that generation; to clear the map is to begin the next one. One thread uses a map.
**
** Used while a message is packed (object -> its number in the message, once for each message) and
** for the index of package.loaded (object -> name; pack/module_index.h).
*/
#ifndef RT_BASE_PTR_MAP_H
#define RT_BASE_PTR_MAP_H

#include "base/base.h"

typedef struct rt_ptr_map_entry {
  const void *key;
  uint32_t value;           /* 0 in a new entry; the user sets it */
  uint32_t generation : 24; /* the entry counts if this is the map's */
  uint32_t tag : 8;         /* a second value, for the user */
} rt_ptr_map_entry;

/* All zeros: an empty map. */
typedef struct rt_ptr_map {
  rt_ptr_map_entry *cells; /* open addressing, at most half full; NULL until the first entry */
  uint32_t size;           /* of 'cells': 0 or a power of two */
  uint32_t count;          /* entries of this generation */
  uint32_t generation;     /* not 0 while there are cells: zeroed cells are free */
} rt_ptr_map;

void rt_ptr_map_close(rt_ptr_map *m); /* frees its memory; the map is empty again */
void rt_ptr_map_clear(rt_ptr_map *m); /* the map is empty; a large one gives its memory back */

/* For the functions below: the entry of this key, or the free cell where it belongs. */
static inline rt_ptr_map_entry *rt_ptr_map_cell(const rt_ptr_map *m, const void *key) {
  uint64_t h = (uint64_t)((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15ull;
  for (uint32_t i = (uint32_t)(h >> 32);; i++) {
    rt_ptr_map_entry *e = &m->cells[i & (m->size - 1)];
    if (e->generation != m->generation || e->key == key) return e;
  }
}

/* The entry of this key, which is made if there is none, with the value 0. The pointer is valid
** until the next call. NULL: no memory. */
rt_ptr_map_entry *rt_ptr_map_at(rt_ptr_map *m, const void *key);

/* The entry of this key, or NULL. */
static inline const rt_ptr_map_entry *rt_ptr_map_find(const rt_ptr_map *m, const void *key) {
  if (m->count == 0) return NULL;
  const rt_ptr_map_entry *e = rt_ptr_map_cell(m, key);
  return e->generation == m->generation ? e : NULL;
}

#endif
