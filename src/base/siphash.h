/* base/siphash.h - SipHash-1-3, for hash tables whose keys come from outside.
**
** An attacker who does not know the seed cannot choose many keys that fall into one bucket.
*/
#ifndef RT_BASE_SIPHASH_H
#define RT_BASE_SIPHASH_H

#include "base/base.h"

/* kind: 0 to 7; equal bytes with different kinds have different hashes. Any thread. */
uint64_t rt_siphash(const uint64_t seed[2], const void *key, size_t len, unsigned kind);

#endif
