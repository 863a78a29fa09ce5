/* lib/shared.h - what the Lua objects have in common that stand for a thing which tasks share.
**
** The object is a reference: sent to another task, it arrives as another one to the same
** thing, and the two are equal.  An operation that waits draws a waiter, offers it to the
** thing, parks, and in its continuation asks what the waiter was called with.
*/
#ifndef RT_LIB_SHARED_H
#define RT_LIB_SHARED_H

#include "lib/lib.h"
#include "pack/pack.h"
#include "event/waiter.h"

typedef struct rt_shared_ref {
  rt_shared *shared;
} rt_shared_ref;

/* Defines a class of such objects: 'meta' has __tostring and what else is its own; __gc and
** __eq are added. */
void rtL_shared_class(lua_State *L, rt_worker *w, rt_class which, const luaL_Reg *meta,
                      const luaL_Reg *methods);

/* A new one that stands for nothing yet. */
rt_shared_ref *rtL_shared_new(lua_State *L, rt_worker *w, rt_class which);
/* … now it does; or there was no memory. */
void rtL_shared_set(lua_State *L, rt_shared_ref *s, rt_shared *t);
rt_shared *rtL_shared_check(lua_State *L, rt_worker *w, rt_class which, int index);

rt_waiter *rtL_shared_draw(lua_State *L, rt_worker *w);

/* The waiter is in the queue: waits for its call. */
int rtL_shared_wait(lua_State *L, rt_worker *w, rt_waiter *t, rt_op op, lua_KFunction k);
/* First thing in 'k': what the waiter was called with; or raises, and nothing has happened.
** What came with it is the caller's. */
int rtL_shared_called(lua_State *L, rt_worker *w, lua_KContext waiter, rt_message **p);

/* nil, why */
int rtL_shared_refuse(lua_State *L, const char *why);
int rtL_shared_refuse_closed(lua_State *L, rt_worker *w); /* or raises: the task is to end, too */

#endif
