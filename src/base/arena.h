/* base/arena.h - the allocator of one Lua state.
**
** A Lua state allocates and frees millions of small blocks of a few sizes: a coroutine has a block
** of 208 bytes, one of 720 and some of 64; strings, tables and closures are smaller. When Lua frees
** a block it passes the size, so a block needs no header. Each page is divided into blocks of one
** size, and a free block is a link of its page's free list. A page without a block in use can serve
** any size again; if there are more than a few such pages, their memory goes back to the system.
**
** Only the thread that runs the state uses its arena.
*/
#ifndef RT_BASE_ARENA_H
#define RT_BASE_ARENA_H

#include "base/base.h"

typedef struct rt_arena rt_arena;

rt_arena *rt_arena_new(void);    /* NULL: no memory */
void rt_arena_free(rt_arena *a); /* after lua_close: no block is in use */

/* A lua_Alloc whose 'ud' is the arena. */
void *rt_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize);

/* How many bytes the state has allocated and not freed. */
size_t rt_arena_used(const rt_arena *a);

#endif
