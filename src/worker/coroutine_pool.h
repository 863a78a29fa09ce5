/* worker/coroutine_pool.h - the pool of coroutines that tasks run in.
**
** A new coroutine costs a thread, a stack and call infos; one that has been used is as
** good and costs nothing.  Each stands in a table of the state that anchors it, and has
** its number there at the bottom of its stack, below the function it runs.
*/
#ifndef RT_WORKER_COROUTINE_POOL_H
#define RT_WORKER_COROUTINE_POOL_H

#include "worker/anchors.h"

typedef struct rt_coroutine_pool {
  lua_State *anchors;
  lua_State *pcall_L; /* where new ones are made, which may raise and collect garbage */
  lua_State **idle;
  int count; /* of idle ones */
} rt_coroutine_pool;

int rt_coroutine_pool_init(rt_coroutine_pool *c, lua_State *anchors,
                           lua_State *pcall_L); /* 0 or -ENOMEM */
void rt_coroutine_pool_close(rt_coroutine_pool *c);

/* A coroutine ready for a function, or NULL when there is no memory for one. */
lua_State *rt_coroutine_pool_take(rt_coroutine_pool *c);
/* One whose function has returned. */
void rt_coroutine_pool_give(rt_coroutine_pool *c, lua_State *co);
/* The same, but it is not used again: to the program it is a dead coroutine. */
void rt_coroutine_pool_retire(rt_coroutine_pool *c, lua_State *co);
/* One that ended with an error: its pending <close> variables are closed.  Not used again.
** Searches the pool: not for every day. */
void rt_coroutine_pool_retire_broken(rt_coroutine_pool *c, lua_State *co);

#endif
