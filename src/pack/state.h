/* pack/state.h - what a worker keeps for packing and unpacking.
**
** A worker points to its state; only the files of pack/ look inside. rtL_pack_open makes it before
** the worker runs its first task.
*/
#ifndef RT_PACK_STATE_H
#define RT_PACK_STATE_H

#include "pack/code.h"
#include "pack/module_index.h"
#include "pack/pack_buf.h"
#include "worker/worker.h"

typedef struct rt_pack_state {
  rt_pack_bufs bufs;
  rt_module_index modules;
  rt_codes codes;
  int functions; /* at most so many functions have an entry in RT_ANCHOR_CODES */
  int closures;  /* at most so many closures are in RT_ANCHOR_CLOSURES */
} rt_pack_state;

/* Worker's thread. Makes the state of a worker that has none; raises without memory. */
void rtL_pack_open(lua_State *L, rt_worker *w);

/* Worker's thread. Frees the state; nothing can be packed from then on. */
void rt_pack_close(rt_worker *w);

/* How many messages are being packed now, one within another: the reason of an rt.Cancelled is a
** message of its own. */
int rt_pack_depth(const rt_worker *w);

#endif
