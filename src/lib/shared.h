/* lib/shared.h - userdata that stand for shared objects: channels, locks, dicts, groups, jobs.
**
** The body of such a userdata is an rt_shared_ref: one reference to the object. Sent to another
** task, it arrives as another userdata with a reference to the same object; the two are equal. This
** file gives the classes of such userdata what they have in common: how they travel, __eq and __gc.
**
** All functions: worker's thread.
*/
#ifndef RT_LIB_SHARED_H
#define RT_LIB_SHARED_H

#include "lib/lib.h"
#include "pack/pack.h"
#include "pack/unpack.h"

/* Defines the class 'which' with the functions of 'def', and adds __gc, __eq and how it travels. */
void rtL_shared_class(lua_State *L, rt_worker *w, rt_class which, const rt_class_def *def);

/* Pushes a userdata without object. It is made before the object, because making it may raise. */
rt_shared_ref *rtL_shared_new(lua_State *L, rt_worker *w, rt_class which);
/* Takes over the caller's reference to the object; NULL raises "not enough memory". */
void rtL_shared_set(lua_State *L, rt_shared_ref *ref, rt_shared *object);

/* Raises an error about the argument 'index': a finalizer uses an object that was finalized
** before. */
int rtL_shared_finalized(lua_State *L, int index);

/* The body of the userdata of this class at 'index'. Raises if there is none, or it was
** finalized. */
static inline rt_shared_ref *rtL_shared_check(lua_State *L, rt_worker *w, rt_class which,
                                              int index) {
  rt_shared_ref *ref = rtL_class_check(L, &w->classes, which, index);
  if (rt_unlikely(ref->shared == NULL)) rtL_shared_finalized(L, index);
  return ref;
}

/* A __close of these classes: calls the method close; but in a child of fork does nothing. */
int rtL_shared_end(lua_State *L, rt_class which, lua_CFunction close);

/* The 'send' and the 'receive' of these classes (rt_travel), for a class that does not always
** travel. */
rt_shared *rt_shared_ref_send(lua_State *L, rt_worker *w, int index, const char **why);
void rtL_shared_receive(lua_State *L, rt_worker *w, rt_shared *object);

/* For loops over the messages of an object, the argument at index 1: returns the iterator and the
** object. 'next' is the C function that is called for each message. */
int rtL_shared_iterate(lua_State *L, rt_worker *w, lua_CFunction next);
/* The values of a message, that many, are on top of the stack, and are returned to a loop. Raises
** if it would end there: if there are none, or the first is nil. Returns how many there are. */
int rtL_shared_item(lua_State *L, rt_worker *w, int values);

/* Pushes nil and 'why'; returns 2. */
int rtL_shared_refuse(lua_State *L, const char *why);
/* The same with "closed". If the running task is being cancelled and its rt.Cancelled was not
** raised yet, raises that instead (rtL_cancel_takes_precedence). */
int rtL_shared_refuse_closed(lua_State *L, rt_worker *w);

#endif
