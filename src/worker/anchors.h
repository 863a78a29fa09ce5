/* worker/anchors.h - Lua values that a worker keeps: the stack of a Lua thread that never runs.
**
** An anchor is an index of that stack. There are the tables and functions that the worker needs at
** every turn, so reaching one is an index and not a search in Lua's registry. Values also pass
** through this thread on their way from one coroutine to another. Outside of protected calls, only
** functions that cannot raise are called on it.
*/
#ifndef RT_WORKER_ANCHORS_H
#define RT_WORKER_ANCHORS_H

#include "task/task.h"
#include "worker/compat.h"

enum {
  RT_ANCHOR_START_QUEUE = 1, /* for each priority: handles, functions, arguments of queued tasks */
  RT_ANCHOR_COROUTINES =
      RT_ANCHOR_START_QUEUE +
      RT_PRIORITIES,      /* reference -> coroutine, for every coroutine of the pool */
  RT_ANCHOR_OUTCOMES,     /* weak: handle -> the outcome that the task's record cannot hold */
  RT_ANCHOR_TRACES,       /* weak: coroutine -> traceback of the error that unwinds it */
  RT_ANCHOR_NAMES,        /* weak: handle -> task.name */
  RT_ANCHOR_REASONS,      /* record of a task that is being cancelled -> the reason */
  RT_ANCHOR_UNHANDLED,    /* list of failures that no task can join any more */
  RT_ANCHOR_ON_UNHANDLED, /* the function of rt.on_unhandled, or nil */
  RT_ANCHOR_REPORTING,    /* id of a task that runs that function -> its error, traceback, title */
  RT_ANCHOR_RAISED,       /* the last error that was raised again, by a join for example */
  RT_ANCHOR_RAISED_TRACE, /* the traceback of RT_ANCHOR_RAISED */
  RT_ANCHOR_NIL_ERROR, /* the last error about a nil value that names none; see worker/nil_hint.h */
  RT_ANCHOR_NIL_NAME,  /* the global of RT_ANCHOR_NIL_ERROR that was nil */
  RT_ANCHOR_MAIN,      /* the handle of the main task */
  RT_ANCHOR_CLOSE_SENTINEL, /* see host/close_sentinel.h */
  RT_ANCHOR_MODULE_INDEX,   /* list: module, field or false, module …; see pack/module_index.h */
  RT_ANCHOR_OBJECTS,        /* number -> object, while a message is being packed; else nil */
  RT_ANCHOR_ABSENT,   /* the placeholder of a module that was not found; see pack/module_ref.h */
  RT_ANCHOR_CODES,    /* weak: function that was sent -> the key of its code (pack/code.h) */
  RT_ANCHOR_CLOSURES, /* number of a code -> a function that was made of it */
  RT_ANCHOR_KEPT,     /* address -> value: strings that C points to, functions, tables */
  RT_ANCHOR_SELF,     /* the userdata that owns the worker */
  RT_ANCHOR_GUARDS,   /* weak list: the guards of mutexes; see lib/sync/guards.h */
  RT_ANCHOR_SELECT,   /* the first select that can be used again; see lib/task/select.c */
  RT_ANCHOR_CLASSES,  /* the first metatable; an anchor for each class follows (worker/class.h) */
  RT_ANCHOR_ROOM =
      40 /* not an anchor: how many more values the stack has room for, while they pass through */
};

#endif
