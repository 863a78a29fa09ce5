/* pack/pack.h - Lua values to a message. (The way back is pack/unpack.h.)
**
** Values are copied as they are at the call: tables with their cycles, shared references and
** metatables; functions with their upvalues, which they still share with each other. Modules, what
** modules hold, and C functions are sent by name. The globals become the globals of the receiver.
** Objects of rt are sent as their class says (rt_travel): most as another reference to the same
** shared object; sockets move. Everything else is an error that names the path to the value:
** "cannot send argument 1 .log (userdata FILE*) to another worker".
**
** Packing calls no metamethod and no code of the program, and it is not recursive, so no depth can
** overflow the C stack. There is one exception: the reason of an rt.Cancelled is a message of its
** own. If these are nested deeper than RT_PACK_NESTED, or one is in its own reason, it is an error.
*/
#ifndef RT_PACK_PACK_H
#define RT_PACK_PACK_H

#include "base/message.h"
#include "worker/worker.h"

enum { RT_PACK_NESTED = 32 }; /* messages within messages */

/* What the values at 'first' and above are called in errors, and whether the message is unpacked
** more than once. */
typedef enum rt_pack_what {
  RT_PACK_CALL,    /* a function and its arguments */
  RT_PACK_VALUES,  /* arguments of a method: "value 1" */
  RT_PACK_RESULTS, /* results of a job: "result 1" */
  RT_PACK_KEPT,    /* as VALUES, for a message that is unpacked more than once: nothing may move */
  RT_PACK_PRELOAD  /* as CALL, for a message that is unpacked more than once */
} rt_pack_what;

/* Packs the values from 'first' to the top of the stack, which stay there. Raises if a value cannot
** be sent: then nothing has moved. The message is the caller's. */
rt_message *rtL_pack(lua_State *L, rt_worker *w, int first, rt_pack_what what);

/* In the state that packed the message, which was not received: what has moved goes back to its
** object, and the message is dropped. */
void rt_pack_undo(rt_worker *w, rt_message *message);

#endif
