/* worker/call_site.h - where tasks were spawned, as small numbers.
**
** A program spawns a million tasks from a handful of lines, so a task remembers the
** number of its line, and the text is made once.  What a library file of rt spawns for a
** caller was spawned by the caller.
*/
#ifndef RT_WORKER_CALL_SITE_H
#define RT_WORKER_CALL_SITE_H

#include "worker/compat.h"

#include <stdint.h>

typedef struct rt_call_site rt_call_site;

typedef struct rt_call_sites {
  rt_call_site *entries; /* open addressing; NULL until the first */
  uint32_t count;
  struct {
    const char *name;
    size_t len;
  } libraries[4]; /* the names of their chunks */
} rt_call_sites;

void rt_call_sites_init(rt_call_sites *s);
void rt_call_sites_close(rt_call_sites *s);

/* The chunk of the function at this level is a library's. */
void rtL_call_sites_add_library(lua_State *L, rt_call_sites *s, int level);

/* The line that the function at this level of L's stack is at, or, when that is a library's,
** the first one behind it that is not; 0: unknown. */
uint32_t rt_call_site_here(lua_State *L, rt_call_sites *s, int level);

/* As luaL_where, likewise. */
void rtL_call_site_where(lua_State *L, rt_call_sites *s, int level);
/* As luaL_error, with that line. */
int rtL_call_site_error(lua_State *L, rt_call_sites *s, const char *form, ...);

/* The one whose text this is: a task that comes from another state brings it. */
uint32_t rt_call_site_named(rt_call_sites *s, const char *text);

/* "file.lua:12"; "?" for 0.  Any thread, once it has been told the number. */
const char *rt_call_site_text(const rt_call_sites *s, uint32_t site);

#endif
