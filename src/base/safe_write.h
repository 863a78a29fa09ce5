/* base/safe_write.h - write and fwrite that report a closed pipe as an error, without SIGPIPE. */
#ifndef RT_BASE_SAFE_WRITE_H
#define RT_BASE_SAFE_WRITE_H

#include "base/base.h"

#include <stdio.h>

/* Write all n bytes, and flush the file. 0 or a negative errno (as UV_E…), EPIPE if nothing can
** read the other end any more. They block for as long as the reader does not read. Any thread. */
int rt_safe_write(int fd, const char *bytes, size_t n);
int rt_safe_write_file(FILE *file, const char *bytes, size_t n);

/* Flushes the file, unless another thread is using it, maybe blocked in it. Any thread. */
void rt_safe_write_flush(FILE *file);

/* At the end of the process: flushes all files, as exit does: without waiting for a thread that is
** blocked in one of them (fflush(NULL) waits). */
void rt_safe_write_flush_all(void);

#endif
