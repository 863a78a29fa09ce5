/* platform.h - what is behind base/base.h and libuv in the model build, as the explorer needs it. */
#ifndef RT_MODEL_PLATFORM_H
#define RT_MODEL_PLATFORM_H

#include "explore.h"

/* A wait timed out: time has passed until then, at least. */
void platform_pass_time(uint64_t until);

#endif
