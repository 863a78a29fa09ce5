/* pack/code.h - the bytecode of a function, shared by all who send and receive it.
**
** Every worker remembers what it has sent of late: the same bytes are the same code again,
** with the same number, so that whoever receives it may remember what it made of it.
*/
#ifndef RT_PACK_CODE_H
#define RT_PACK_CODE_H

#include "base/shared.h"

typedef struct rt_code {
  rt_shared shared;
  /* fixed */
  uint64_t id; /* never used again in this process */
  uint64_t hash;
  int upvalues;
  size_t len;
  char bytes[];
} rt_code;

extern const rt_shared_kind rt_code_kind;

/* Of one worker. */
typedef struct rt_codes {
  rt_code **slots; /* open addressing; NULL until the first */
  uint32_t count;
  size_t bytes;
} rt_codes;

void rt_codes_close(rt_codes *c);

/* The code of these bytes, of which *waiter is the name here; it is not the caller's, who may
** hold it.  NULL: no memory */
rt_code *rt_codes_put(rt_codes *c, const char *bytes, size_t len, int upvalues, uint64_t *waiter);
/* The code that had this waiter; NULL: forgotten */
rt_code *rt_codes_at(const rt_codes *c, uint64_t waiter);

#endif
