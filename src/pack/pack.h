/* pack/pack.h - Lua values to messages, and back.
**
** What crosses is copied as it is at the call: tables with their cycles, shared references
** and metatables; functions with their upvalues, which they go on sharing with each other.
** Modules, what modules hold, and C functions go by name.  The globals become the globals
** of the other side.  Objects of rt go as their class says (rt_travel): most as another
** reference to the same thing; sockets move.  All else is refused, with the way to it:
** "cannot send argument 1 .log (userdata FILE*) to another worker".
**
** Nothing is called on the way out, no metamethod and no user code; and nothing is
** recursive, so no depth can overflow the C stack.  But for one thing: the reason of an
** rt.Cancelled is a message of its own.  Those that are reasons of each other beyond
** RT_PACK_NESTED, and one that is in its own reason, are refused like what cannot go.
*/
#ifndef RT_PACK_PACK_H
#define RT_PACK_PACK_H

#include "base/message.h"
#include "worker/worker.h"

enum { RT_PACK_NESTED = 32 }; /* messages within messages */

/* What the values at 'first' and above are called in errors. */
typedef enum rt_pack_what {
  RT_PACK_CALL,    /* a function and its arguments */
  RT_PACK_VALUES,  /* values given to a function: "value 1" */
  RT_PACK_RESULTS, /* "result 1" */
  RT_PACK_KEPT,    /* as VALUES, to be read more than once: what moves is refused */
  RT_PACK_PRELOAD  /* as CALL, likewise */
} rt_pack_what;

/* Copies the values from 'first' to the top, which stay.  What moves has moved when it
** returns, and not when it raises. */
rt_message *rtL_pack(lua_State *L, rt_worker *w, int first, rt_pack_what what);

/* Where it was packed: nobody reads it.  What has moved comes back, and the message is dropped. */
void rt_pack_undo(rt_worker *w, rt_message *p);

/* Pushes the values and returns how many; may call require.  Things that it took out are
** out; the message itself is still the caller's, to be dropped.  It trusts no byte, only that
** the shared objects are what they say: at worst it raises. */
int rtL_unpack(lua_State *L, rt_worker *w, rt_message *p);

/* The same for a function and its arguments, of which errors speak as of that. */
int rtL_unpack_call(lua_State *L, rt_worker *w, rt_message *p);

/* As rtL_unpack, and drops the message, whatever happens. */
int rtL_unpack_last(lua_State *L, rt_worker *w, rt_message *p);

#endif
