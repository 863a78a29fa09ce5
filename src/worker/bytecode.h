/* worker/bytecode.h - dumps the bytecode of a function, and reads which fields of an upvalue a line
** uses, and to which upvalues the function assigns.
**
** pack/code_cache dumps functions to send them, and pack/code asks whether one that has no upvalue
** but _ENV assigns to it; pack/copy_warning, to which upvalues one assigns. worker/nil_hint dumps
** one to read it: if the upvalue is _ENV, its fields are the globals of the line, and
** worker/nil_hint asks for them when an error about a nil value does not name it. The reader
** understands what Lua 5.4 dumps. It rejects other bytes, and bytes that end too early, without
** reading past their end.
*/
#ifndef RT_WORKER_BYTECODE_H
#define RT_WORKER_BYTECODE_H

#include "base/buf.h"

#include <lua.h>

typedef struct rt_bytecode {
  const char *at, *end; /* rt_bytecode_open: the bytes that remain */
  bool broken;          /* the bytes are no bytecode of Lua 5.4 */
  bool assigns;         /* the function, or one within it, assigns to the first upvalue */
  int *lines;           /* of rt_bytecode_assignments, or NULL */
  /* of the outermost function */
  const char *code, *constants;
  const char *steps; /* lineinfo of Lua: for each instruction, the difference of lines, or a jump */
  const char *jumps; /* abslineinfo of Lua: for each jump, the instruction and its line */
  uint64_t instructions, constant_count, step_count, jump_count;
  /* the next instruction, and its line */
  uint64_t pc;
  int64_t line;
} rt_bytecode;

/* Appends the bytecode of the Lua function on top of the stack, with its debug information. False:
** no memory. */
bool rt_bytecode_dump(lua_State *L, rt_buf *to);

/* Begins to read. The bytes belong to the caller, and must stay valid until the last call of
** rt_bytecode_next. False: they are no bytecode of Lua 5.4. */
bool rt_bytecode_open(rt_bytecode *b, const char *bytes, size_t len);

enum { RT_BYTECODE_UPVALUES = 256 };

/* For each upvalue, the first line at which the function, or one within it, assigns to it; 0: none
** does. False: the bytes are no bytecode of Lua 5.4. */
bool rt_bytecode_assignments(const char *bytes, size_t len, int lines[RT_BYTECODE_UPVALUES]);

/* The name of the next field of this upvalue (0 is the first) that this line reads; NULL: there is
** no more. The name points into the bytes, and is not terminated by a zero byte. */
const char *rt_bytecode_next(rt_bytecode *b, int line, unsigned upvalue, size_t *len);

#endif
