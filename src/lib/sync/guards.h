/* lib/sync/guards.h - which guards of this state were forgotten.
**
** A task that forgets the guard of a lock gives the lock back when the guard is collected. A
** finalizer of each guard would cost half as much as the lock itself, so guards have none. They are
** the values of a weak table, each with a number, and one object tells that the collector has run:
** then the locks are given back whose guards are in the table no more. They are given back at the
** second collection, since a finalizer may use the guard after the first one (Lua removes values
** from a weak table before it calls the finalizers of what holds them). A guard that a finalizer
** keeps counts as forgotten all the same. Worker's thread.
*/
#ifndef RT_LIB_SYNC_GUARDS_H
#define RT_LIB_SYNC_GUARDS_H

#include "sync/mutex.h"
#include "worker/worker.h"

/* The guard on top of the stack gets a slot, in which rt_mutex_set_guard may write the mutex that
** it has locked. */
rt_guard_slot *rtL_guards_add(lua_State *L, rt_worker *w);

/* The guard that has the slot since that turn has unlocked. Does nothing if the lock was given back
** before. */
void rt_guards_remove(rt_worker *w, rt_guard_slot *slot, uint32_t turn);

/* Defines the class of the object that tells that the collector has run. */
void rtL_guards_class(lua_State *L, rt_worker *w);

#endif
