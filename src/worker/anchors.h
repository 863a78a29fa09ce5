/* worker/anchors.h - what a worker keeps inside its Lua state.
**
** A Lua thread that never runs: its stack slots hold the tables and functions that
** the worker needs at every turn, so reaching one is an index and not a search in the
** registry.  Values travel over it, too, from one coroutine to another.  Only calls
** that cannot raise are made on it outside a protected call.
*/
#ifndef RT_WORKER_ANCHORS_H
#define RT_WORKER_ANCHORS_H

#include "worker/compat.h"

enum {
  RT_ANCHOR_START_QUEUE = 1, /* ring of the handles, functions and arguments of queued tasks */
  RT_ANCHOR_COROUTINES,      /* anchors every coroutine of the pool: reference -> thread */
  RT_ANCHOR_OUTCOMES,        /* weak: handle -> what it ended with and the record cannot hold */
  RT_ANCHOR_TRACES,          /* weak: coroutine -> traceback of the error that unwinds it */
  RT_ANCHOR_NAMES,           /* weak: handle -> task.name */
  RT_ANCHOR_REASONS,         /* record of a task being cancelled -> why */
  RT_ANCHOR_UNHANDLED,       /* list of failures that nobody can join any more */
  RT_ANCHOR_ON_UNHANDLED,    /* the function of rt.on_unhandled, or nil */
  RT_ANCHOR_REPORTING, /* id of a task that runs it -> what it was told: error, traceback, title */
  RT_ANCHOR_RAISED,    /* the error that a join raised last, */
  RT_ANCHOR_RAISED_TRACE,   /* and where it came from */
  RT_ANCHOR_NIL_ERROR,      /* an error that tells of a nil, */
  RT_ANCHOR_NIL_NAME,       /* and the global that it was; see worker/nil_hint.h */
  RT_ANCHOR_MAIN,           /* the handle of the main task */
  RT_ANCHOR_CLOSE_SENTINEL, /* what is finalized first when the state closes; see host/luaopen.c */
  RT_ANCHOR_MODULE_INDEX, /* names of what modules hold: module, field or false, module …; pack/module_index.h */
  RT_ANCHOR_OBJECTS,  /* number -> object, while a message is written; or nil */
  RT_ANCHOR_ABSENT,   /* what stands for a module that could not be found; see pack/module_ref.h */
  RT_ANCHOR_CODES,    /* weak: function that was sent -> waiter of its code (pack/code.h) */
  RT_ANCHOR_CLOSURES, /* number of a code -> function made of it */
  RT_ANCHOR_SELECT,   /* the first of those that wait for another use; see lib/task/select.c */
  RT_ANCHOR_CLASSES,  /* the first of the metatables; see worker/class.h */
  RT_ANCHOR_ROOM = 40 /* stack slots for values on their way */
};

#endif
