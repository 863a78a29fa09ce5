/* worker/coroutine_pool.h - the pool of coroutines that tasks run in.
**
** A new coroutine costs a thread, a stack and call infos; one that has been used is as
** good and costs nothing.  Each stands in a table of the state that anchors it, and has
** its number there at the bottom of its stack, below the function it runs.
*/
#ifndef RT_COROS_H
#define RT_COROS_H

#include "worker/anchors.h"

typedef struct rt_coros {
  lua_State *keep;
  lua_State *hand; /* where new ones are made, which may raise and collect garbage */
  lua_State **idle;
  int count; /* of idle ones */
} rt_coros;

int rt_coros_init(rt_coros *c, lua_State *keep, lua_State *hand); /* 0 or -ENOMEM */
void rt_coros_close(rt_coros *c);

/* A coroutine ready for a function, or NULL when there is no memory for one. */
lua_State *rt_coros_take(rt_coros *c);
/* One whose function has returned. */
void rt_coros_give(rt_coros *c, lua_State *co);
/* The same, but it is not used again: to the program it is a dead coroutine. */
void rt_coros_retire(rt_coros *c, lua_State *co);
/* One that ended with an error: its pending <close> variables are closed.  Not used again.
** Searches the pool: not for every day. */
void rt_coros_retire_broken(rt_coros *c, lua_State *co);

#endif
