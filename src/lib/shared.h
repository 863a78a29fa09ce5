/* lib/shared.h - userdata that stand for shared objects: channels, locks, dicts, groups, jobs.
**
** The body of such a userdata is an rt_shared_ref: one reference to the object.  Sent to another
** task, it arrives as another userdata with a reference to the same object; the two are equal.
** The functions of this file give a class of them what all have in common: how they travel, __eq
** and __gc.
*/
#ifndef RT_LIB_SHARED_H
#define RT_LIB_SHARED_H

#include "lib/lib.h"
#include "pack/pack.h"

/* Defines the class 'which' of such userdata.  'def' has what is particular to it; __gc, __eq and
** the way it travels are added. */
void rtL_shared_class(lua_State *L, rt_worker *w, rt_class which, const rt_class_def *def);

/* Pushes a userdata that has no object yet, so that nothing is lost if an error is raised before
** there is one. */
rt_shared_ref *rtL_shared_new(lua_State *L, rt_worker *w, rt_class which);
/* Gives it its object, the reference to which the caller hands over; NULL raises "not enough
** memory". */
void rtL_shared_set(lua_State *L, rt_shared_ref *ref, rt_shared *object);

/* Raises: the userdata at 'index', or that of the operation there, has been finalized; another
** finalizer uses it. */
int rtL_shared_finalized(lua_State *L, int index);

/* The body of the userdata of this class at 'index', which has an object; else an error. */
static inline rt_shared_ref *rtL_shared_check(lua_State *L, rt_worker *w, rt_class which,
                                              int index) {
  rt_shared_ref *ref = rtL_class_check(L, &w->classes, which, index);
  if (rt_unlikely(ref->shared == NULL)) rtL_shared_finalized(L, index);
  return ref;
}

/* The 'send' of these classes, for a class that does not always travel (see rt_travel). */
rt_shared *rtL_shared_send(lua_State *L, rt_worker *w, int index, const char **why);
/* And their 'receive'. */
void rtL_shared_receive(lua_State *L, rt_worker *w, rt_shared *object);

/* What an operation returns that cannot be done: nil, why. */
int rtL_shared_refuse(lua_State *L, const char *why);
/* nil, "closed"; or raises rt.Cancelled, if the running task is being cancelled, too. */
int rtL_shared_refuse_closed(lua_State *L, rt_worker *w);

#endif
