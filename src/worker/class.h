/* worker/class.h - the types of the objects that rt hands to Lua.
**
** Each is a userdata with a metatable that the worker keeps; telling whether a value
** is one compares a pointer.
*/
#ifndef RT_WORKER_CLASS_H
#define RT_WORKER_CLASS_H

#include "worker/anchors.h"
#include "base/shared.h"

#include <stdbool.h>

struct rt_worker;

typedef enum rt_class {
  RT_CLASS_TASK,
  RT_CLASS_CANCELLED, /* the error that a cancelled task is unwound with */
  RT_CLASS_FAILURE,   /* internal: what a failed task ended with */
  RT_CLASS_PROBE,     /* internal: garbage, see run/unhandled.c */
  RT_CLASS_LOADING,   /* internal: a require under way */
  RT_CLASS_LISTENER,
  RT_CLASS_STREAM,
  RT_CLASS_ERRAND, /* internal: a listen or connect under way */
  RT_CLASS_JOB,    /* a task of the pool */
  RT_CLASS_CHANNEL,
  RT_CLASS_OPERATION, /* what rt.select chooses from */
  RT_CLASS_SELECT,    /* internal: one that waits */
  RT_CLASS_GROUP,     /* of tasks of the pool */
  RT_CLASS_DICT,
  RT_CLASS_MUTEX,
  RT_CLASS_GUARD, /* of one that is held */
  RT_CLASS_SEMAPHORE,
  RT_CLASS_PERMIT, /* that is held */
  RT_CLASS_NOTIFY,
  RT_CLASS_BARRIER,
  RT_CLASS_ONCE,
  RT_CLASS_RUN, /* internal: of a function that a once runs */
  RT_CLASS_WATCH,
  RT_CLASS_WATCHER, /* who waits for changes of one */
  RT_CLASS_BROADCAST,
  RT_CLASS_SUBSCRIBER, /* of one */
  RT_CLASSES
} rt_class;

/* How the objects of a class travel to another state (pack/pack.h): as a thing, whose kind tells
** the class. */
typedef struct rt_travel {
  /* The thing that stands for the object at 'index', as a new reference.  NULL: it cannot
  ** go; *why may then say what it is, in place of "userdata NAME".  May raise. */
  rt_shared *(*send)(lua_State *L, struct rt_worker *w, int index, const char **why);
  /* The message is complete: what moves leaves the object for the thing.  Cannot fail or
  ** raise; the object may have changed since, by a finalizer.  NULL: nothing moves */
  void (*commit)(lua_State *L, struct rt_worker *w, int index, rt_shared *t);
  /* Pushes the object for it; NULL: it never arrives.  May raise; the reference stays the
  ** message's. */
  void (*receive)(lua_State *L, struct rt_worker *w, rt_shared *t);
  /* Nobody has received it: what has moved is the object's again, if that is still there.  NULL:
  ** nothing moves */
  void (*recall)(struct rt_worker *w, rt_shared *t);
} rt_travel;

typedef struct rt_classes {
  lua_State *anchors;
  const void *metatable[RT_CLASSES];
  const rt_travel *travel[RT_CLASSES]; /* NULL: they cannot travel */
} rt_classes;

typedef struct rt_class_def {
  const luaL_Reg *meta;    /* metamethods */
  const luaL_Reg *methods; /* what __index finds */
  lua_CFunction fields;    /* or __index itself, with the table of methods as upvalue 2 */
} rt_class_def;

/* The body of a userdata that stands for a shared object. */
typedef struct rt_shared_ref {
  rt_shared *shared; /* held; NULL: not set yet, or finalized */
} rt_shared_ref;

/* Every function gets the top value of the stack as upvalue 1; it is left there. */
void rtL_class_define(lua_State *L, rt_classes *c, rt_class which, const rt_class_def *def);

/* A new object of the class, 'size' bytes of zeros and 'values' user values. */
void *rtL_class_new(lua_State *L, const rt_classes *c, rt_class which, size_t size, int values);

/* The object at 'index', or NULL; or an error that says what was expected. */
void *rtL_class_test(lua_State *L, const rt_classes *c, rt_class which, int index);
void *rtL_class_check(lua_State *L, const rt_classes *c, rt_class which, int index);

/* The same, faster, for objects that are looked at at every read and write: they begin
** with a tag, the address of which nobody else has. */
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
