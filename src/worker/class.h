/* worker/class.h - the classes of rt's userdata, and how their objects travel to another state.
**
** The metatable of each class is an anchor of the worker. A test whether a value has a class
** compares two pointers. All functions here run on the worker's thread.
*/
#ifndef RT_WORKER_CLASS_H
#define RT_WORKER_CLASS_H

#include "base/shared.h"
#include "worker/anchors.h"

#include <stdbool.h>

struct rt_worker;

typedef enum rt_class {
  RT_CLASS_TASK,
  RT_CLASS_CANCELLED,   /* the error that unwinds a cancelled task */
  RT_CLASS_FAILURE,     /* internal: the error of a failed task, with its traceback */
  RT_CLASS_GC_SENTINEL, /* internal: tells that the collector ran; see run/idle_gc.c */
  RT_CLASS_LOADING,     /* internal: a module that is being loaded; see host/require.c */
  RT_CLASS_LISTENER,
  RT_CLASS_STREAM,
  RT_CLASS_TCP_SETUP, /* internal: a listen or connect that is under way; see lib/net/tcp.c */
  RT_CLASS_JOB,       /* a task of the pool */
  RT_CLASS_CHANNEL,
  RT_CLASS_OPERATION, /* what rt.select chooses from; see lib/operation.h */
  RT_CLASS_SELECT,    /* internal: a select that waits */
  RT_CLASS_GROUP,     /* internal: the tasks of a scope, a race or a server */
  RT_CLASS_DICT,
  RT_CLASS_MUTEX,
  RT_CLASS_GUARD,          /* of a mutex that is locked */
  RT_CLASS_GUARD_SENTINEL, /* internal: tells that the collector ran; see lib/sync/guards.h */
  RT_CLASS_SEMAPHORE,
  RT_CLASS_PERMIT, /* of a semaphore, while it is held */
  RT_CLASS_LIMITER,
  RT_CLASS_NOTIFY,
  RT_CLASS_BARRIER,
  RT_CLASS_ONCE,
  RT_CLASS_RUN, /* internal: the call of the function of a once */
  RT_CLASS_WATCH,
  RT_CLASS_WATCHER, /* receives the changes of a watch */
  RT_CLASS_BROADCAST,
  RT_CLASS_SUBSCRIBER, /* receives the messages of a broadcast */
  RT_CLASSES
} rt_class;

/* How the objects of a class travel to another state (pack/pack.h): as a shared object, whose kind
** has the number of the class. */
typedef struct rt_travel {
  /* Returns the shared object that stands for the object at 'index', as a new reference. NULL: the
  ** object cannot be sent; then *why may describe it, in place of "userdata NAME". May raise. */
  rt_shared *(*send)(lua_State *L, struct rt_worker *w, int index, const char **why);
  /* Called when the message is complete: moves what cannot be copied (a socket) from the object to
  ** the shared object. Must not fail or raise. A finalizer may have changed the object since
  ** 'send'. NULL: nothing moves. */
  void (*commit)(lua_State *L, struct rt_worker *w, int index, rt_shared *shared);
  /* In the receiving state: pushes an object for the shared object, whose reference stays the
  ** message's. May raise. NULL: the object never arrives. */
  void (*receive)(lua_State *L, struct rt_worker *w, rt_shared *shared);
  /* Called when the message was not received: moves what 'commit' has moved back to the object, if
  ** the object still exists. NULL: nothing moves. */
  void (*recall)(struct rt_worker *w, rt_shared *shared);
} rt_travel;

typedef struct rt_classes {
  lua_State *anchors;
  const void *metatable[RT_CLASSES];
  const rt_travel *travel[RT_CLASSES]; /* NULL: objects of the class cannot travel */
} rt_classes;

typedef struct rt_class_def {
  const luaL_Reg *meta;    /* metamethods */
  const luaL_Reg *methods; /* __index is a table of these */
  lua_CFunction fields;    /* if set, __index is this function, with that table as upvalue 2 */
} rt_class_def;

/* The body of a userdata that stands for a shared object. */
typedef struct rt_shared_ref {
  rt_shared *shared; /* held; NULL: not set yet, or finalized */
} rt_shared_ref;

/* Defines a class. Every function gets the top value of the stack as upvalue 1; the value is left
** there. */
void rtL_class_define(lua_State *L, rt_classes *c, rt_class which, const rt_class_def *def);

/* Pushes a new object of the class: 'size' bytes of zeros, and 'values' user values. */
void *rtL_class_new(lua_State *L, const rt_classes *c, rt_class which, size_t size, int values);

/* The object at 'index'. If the value there has another class, test returns NULL and check
** raises. */
void *rt_class_test(lua_State *L, const rt_classes *c, rt_class which, int index);
void *rtL_class_check(lua_State *L, const rt_classes *c, rt_class which, int index);

/* The value at 'index' has another class, or this is a child of fork: raises. */
int rtL_class_refuse(lua_State *L, rt_class which, int index);
/* The same for __gc and __close; but in a child of fork, whose objects are its parent's, and may be
** locked by threads that do not exist there, returns 0: nothing is to be done. */
int rtL_class_refuse_close(lua_State *L, rt_class which, int index);

/* In a child of fork: from now on no object has a class for 'test' and 'check', so each method
** raises. That costs a method of the parent nothing. Errors, and modules that are being loaded, are
** the state's own, and stay. */
void rt_classes_leave(rt_classes *c);

/* The same test, faster, for objects that are tested at every read and write: their body begins
** with a tag, the address of an element of rt_class_tags. */
typedef struct rt_tag {
  const void *tag;
} rt_tag;
extern const char rt_class_tags[RT_CLASSES];

static inline void *rt_class_tagged(lua_State *L, rt_class which, int index) {
  const rt_tag *object = lua_touserdata(L, index);
  bool is_one = object != NULL && lua_rawlen(L, index) >= sizeof *object &&
                object->tag == &rt_class_tags[which];
  return is_one ? (void *)object : NULL;
}

const char *rt_class_name(rt_class which);

#endif
