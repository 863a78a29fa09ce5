/* base/safe_write.h - writing where nobody may be reading any more: that is an error, and no signal. */
#ifndef RT_BASE_SAFE_WRITE_H
#define RT_BASE_SAFE_WRITE_H

#include "base/base.h"

#include <stdio.h>

/* All of it, or the reason why not: 0 or UV_E…  Blocks as long as the reader does. */
int rt_safe_write(FILE *file, const char *bytes, size_t n);
int rt_safe_fwrite(int fd, const char *bytes, size_t n);

#endif
