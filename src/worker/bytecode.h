/* worker/bytecode.h - which fields of an upvalue a line of a function reads, from its dumped bytecode.
**
** That of the globals is _ENV.  When an error tells of a nil and not where it came from, these
** are the names to look at.  Only what Lua 5.4 dumps is understood: of other bytes, and of those
** that end too early, there is nothing to say.
*/
#ifndef RT_WORKER_BYTECODE_H
#define RT_WORKER_BYTECODE_H

#include "base/base.h"

typedef struct rt_bytecode {
  const char *at, *end; /* what is read next, while it is opened */
  bool broken;
  /* of the outermost function */
  const char *code, *constants, *steps, *jumps; /* steps and jumps: from line to line */
  uint64_t instructions, constant_count, step_count, jump_count;
  /* where it is */
  uint64_t pc;
  int64_t line;
} rt_bytecode;

/* The bytes stay the caller's. */
bool rt_bytecode_open(rt_bytecode *b, const char *bytes, size_t len);

/* The next field of this upvalue (the first is 0) that this line reads; NULL: there is none. */
const char *rt_bytecode_next(rt_bytecode *b, int line, unsigned upvalue, size_t *len);

#endif
