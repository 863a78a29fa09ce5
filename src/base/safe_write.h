/* base/safe_write.h - writing where nobody may be reading any more: that is an error, and no signal. */
#ifndef RT_SPILL_H
#define RT_SPILL_H

#include "base/base.h"

#include <stdio.h>

/* All of it, or the reason why not: 0 or UV_E…  Blocks as long as the reader does. */
int rt_spill(FILE *file, const char *bytes, size_t n);
int rt_spill_to(int fd, const char *bytes, size_t n);

#endif
