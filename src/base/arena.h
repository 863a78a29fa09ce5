/* base/arena.h - the memory of one Lua state.
**
** A state makes and drops millions of small blocks of a few sizes: a coroutine is
** one of 208 bytes, one of 720 and some of 64; strings, tables and closures are
** smaller.  Lua tells the size when it frees, so a block needs no header: pages
** are cut into blocks of one size, and a free block is the link of its page's
** free list.  A page that has no block in use serves any size again, and beyond a
** few such pages their memory goes back to the system.
**
** One thread uses an arena: the one that runs its state.
*/
#ifndef RT_BASE_ARENA_H
#define RT_BASE_ARENA_H

#include "base/base.h"

typedef struct rt_arena rt_arena;

rt_arena *rt_arena_new(void); /* NULL: no memory */
void rt_arena_free(rt_arena *a);

/* A lua_Alloc; 'ud' is the arena. */
void *rt_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize);

/* Bytes that the state holds. */
size_t rt_arena_used(const rt_arena *a);

#endif
