/* base/descriptor.h - is there a free file descriptor? And closing one. */
#ifndef RT_BASE_DESCRIPTOR_H
#define RT_BASE_DESCRIPTOR_H

#include "base/base.h"

/* Any thread. 0: this process could open n descriptors, at most 16, at this moment; or -EMFILE,
** -ENFILE, or another negative errno (as UV_E…). */
int rt_descriptor_find(int n);

/* Any thread. */
void rt_descriptor_close(int fd);

#endif
