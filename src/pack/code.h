/* pack/code.h - the bytecode of a function that was sent: a shared object, with an id.
**
** A worker keeps the codes that it has sent lately. If it sends the same bytes again they are the
** same code, with the same id, so a receiver can keep a function that it has made of the code
** (RT_ANCHOR_CLOSURES).
*/
#ifndef RT_PACK_CODE_H
#define RT_PACK_CODE_H

#include "base/shared.h"

typedef struct rt_code {
  rt_shared shared;
  /* fixed */
  uint64_t id; /* unique in the process */
  uint64_t hash;
  int upvalues;
  bool assigns; /* to its first upvalue; set if there is no other */
  size_t len;
  char bytes[];
} rt_code;

extern const rt_shared_kind rt_code_kind;

/* The codes that one worker has sent lately. Worker's thread. */
typedef struct rt_codes {
  rt_code **cells; /* open addressing; NULL until the first */
  uint32_t count;
  size_t bytes;
} rt_codes;

void rt_codes_close(rt_codes *c);

/* The code of these bytes, and the key under which the table has it. *is_new: the table had it not.
** The reference stays the table's; the caller holds the code if it needs it later. NULL: no
** memory. */
rt_code *rt_codes_put(rt_codes *c, const char *bytes, size_t len, int upvalues, uint64_t *key,
                      bool *is_new);

/* The code with this key; NULL: it was dropped from the table. */
rt_code *rt_codes_at(const rt_codes *c, uint64_t key);

#endif
