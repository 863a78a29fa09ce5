/* worker/call_site.h - source lines as small numbers: where a task was spawned or cancelled.
**
** A program spawns many tasks from few lines, so the record of a task has the number of its line,
** and the text is made once. The files of rt written in Lua (lua/rt) spawn for their callers: such
** a file is a library, and the site is the line of the caller.
*/
#ifndef RT_WORKER_CALL_SITE_H
#define RT_WORKER_CALL_SITE_H

#include "worker/compat.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct rt_call_site rt_call_site;

typedef struct rt_call_sites {
  rt_call_site *entries; /* open addressing; NULL until the first */
  uint32_t count;
  struct {
    const char *name;
    size_t len;
  } libraries[16]; /* what chunk names of rt's Lua files begin with; NULL behind the last one */
} rt_call_sites;

void rt_call_sites_init(rt_call_sites *s);
void rt_call_sites_close(rt_call_sites *s);

/* The chunk of the function at this level of L's stack is a library; if it is called init.lua, all
** files of its folder are: a function of such a file may come from another worker. Pushes its name,
** which the caller keeps, since the chunk may be collected; false: there is no such function, or it
** is known already. (Each Lua file of rt calls this when it is loaded, since its chunk name depends
** on where rt is installed, and on whether the program was packed into one file.) */
bool rtL_call_sites_push_library(lua_State *L, rt_call_sites *s, int level);

/* The number of the current line of the function at this level of L's stack; if that function is in
** C or in a library, of the next function up the stack that is not. 0: there is none, or the table
** is full. */
uint32_t rt_call_site_here(lua_State *L, rt_call_sites *s, int level);

/* As luaL_where, for that line. */
void rtL_call_site_where(lua_State *L, rt_call_sites *s, int level);
/* As luaL_error, for that line. */
int rtL_call_site_error(lua_State *L, rt_call_sites *s, const char *form, ...);

/* The number of a line in another state, from its text; 0: the text is "?", or the table is
** full. */
uint32_t rt_call_site_named(rt_call_sites *s, const char *text);

/* "file.lua:12"; "?" for 0. Any thread to which the worker's thread has published the number, with
** release or a stronger order. */
const char *rt_call_site_text(const rt_call_sites *s, uint32_t site);

#endif
