/* base/siphash.h - SipHash-1-3, for tables whose keys strangers choose.
**
** Who does not know the seed cannot make many keys fall into one bucket.
*/
#ifndef RT_BASE_SIPHASH_H
#define RT_BASE_SIPHASH_H

#include "base/base.h"

/* 'kind' (0 to 7) tells keys of the same bytes apart. */
uint64_t rt_siphash(const uint64_t seed[2], const void *key, size_t len, unsigned kind);

#endif
