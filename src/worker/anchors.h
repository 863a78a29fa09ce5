/* worker/anchors.h - what a worker keeps inside its Lua state.
**
** A Lua thread that never runs: its stack slots hold the tables and functions that
** the worker needs at every turn, so reaching one is an index and not a search in the
** registry.  Values travel over it, too, from one coroutine to another.  Only calls
** that cannot raise are made on it outside a protected call.
*/
#ifndef RT_KEEP_H
#define RT_KEEP_H

#include "worker/compat.h"

enum {
  RT_KEEP_NURSERY = 1,  /* ring of the handles, functions and arguments of queued tasks */
  RT_KEEP_COROUTINES,   /* anchors every coroutine of the pool: reference -> thread */
  RT_KEEP_OUTCOMES,     /* weak: handle -> what it ended with and the record cannot hold */
  RT_KEEP_TRACES,       /* weak: coroutine -> traceback of the error that unwinds it */
  RT_KEEP_NAMES,        /* weak: handle -> task.name */
  RT_KEEP_REASONS,      /* record of a task being cancelled -> why */
  RT_KEEP_UNHANDLED,    /* list of failures that nobody can join any more */
  RT_KEEP_ON_UNHANDLED, /* the function of rt.on_unhandled, or nil */
  RT_KEEP_TELLING,      /* id of a task that runs it -> what it was told: error, traceback, title */
  RT_KEEP_RAISED,       /* the error that a join raised last, */
  RT_KEEP_RAISED_TRACE, /* and where it came from */
  RT_KEEP_LACKING,      /* an error that tells of a nil, */
  RT_KEEP_LACKED,       /* and the global that it was; see lack.h */
  RT_KEEP_MAIN,         /* the handle of the main task */
  RT_KEEP_LAST_WORD,    /* what is finalized first when the state closes; see module.c */
  RT_KEEP_KNOWN,    /* names of what modules hold: module, field or false, module …; known.h */
  RT_KEEP_OBJECTS,  /* number -> object, while a packet is written; or nil */
  RT_KEEP_ABSENT,   /* what stands for a module that could not be found; see named.h */
  RT_KEEP_CODES,    /* weak: function that was sent -> ticket of its code (code.h) */
  RT_KEEP_CLOSURES, /* number of a code -> function made of it */
  RT_KEEP_SELECT,   /* the first of those that wait for another use; see lib_select.c */
  RT_KEEP_CLASSES,  /* the first of the metatables; see class.h */
  RT_KEEP_ROOM = 40 /* stack slots for values on their way */
};

#endif
