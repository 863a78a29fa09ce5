/* worker/coroutine_pool.h - the coroutines in which tasks run, which are used again.
**
** A new coroutine costs a Lua thread, a stack and call infos; a used one costs nothing. The table
** RT_ANCHOR_COROUTINES anchors each coroutine, and the coroutine has its reference in that table at
** the bottom of its stack, below the function that it runs. Worker's thread.
*/
#ifndef RT_WORKER_COROUTINE_POOL_H
#define RT_WORKER_COROUTINE_POOL_H

#include "worker/anchors.h"

typedef struct rt_coroutine_pool {
  lua_State *anchors;
  lua_State *pcall_L; /* where a coroutine is made, which may raise and collect garbage */
  lua_State **idle;
  int count; /* of 'idle' */
} rt_coroutine_pool;

int rt_coroutine_pool_init(rt_coroutine_pool *c, lua_State *anchors,
                           lua_State *pcall_L); /* 0 or -ENOMEM */
void rt_coroutine_pool_close(rt_coroutine_pool *c);

/* A coroutine ready for a function, or NULL when there is no memory for one. */
lua_State *rt_coroutine_pool_take(rt_coroutine_pool *c);
/* Gives back a coroutine whose function has returned. */
void rt_coroutine_pool_give(rt_coroutine_pool *c, lua_State *co);
/* The same for a coroutine to which the program has a reference. It is not used again, since the
** program must see it as dead. */
void rt_coroutine_pool_retire(rt_coroutine_pool *c, lua_State *co);
/* The same for a coroutine that has ended with an error, or is suspended and is not resumed again:
** closes its pending <close> variables. It is not used again. O(n) in the number of coroutines. */
void rt_coroutine_pool_retire_broken(rt_coroutine_pool *c, lua_State *co);

#endif
