/* pack/unpack.h - a message (pack/pack.h) to Lua values. Worker's thread. */
#ifndef RT_PACK_UNPACK_H
#define RT_PACK_UNPACK_H

#include "base/message.h"
#include "worker/worker.h"

/* Pushes the values of a message and returns how many. May call require, and may raise. Shared
** objects that moved are taken out of the message, which stays the caller's. All bytes are checked,
** so malformed ones raise an error; the kinds of the shared objects are trusted. */
int rtL_unpack(lua_State *L, rt_worker *w, rt_message *message);

/* The same for a function and its arguments; errors call them so. */
int rtL_unpack_call(lua_State *L, rt_worker *w, rt_message *message);

/* As rtL_unpack, and drops the message, even if it raises. */
int rtL_unpack_last(lua_State *L, rt_worker *w, rt_message *message);

#endif
