/* spec/model/explorer/platform.h - the functions of base/base.h in the model build, and what loop.c
** needs besides. */
#ifndef RT_MODEL_PLATFORM_H
#define RT_MODEL_PLATFORM_H

#include "explore.h"

/* A wait has timed out: the clock reads at least 'until' now. */
void platform_pass_time(uint64_t until);

#endif
